#include "integration_jetstream/jetstream_support.h"

#include <algorithm>
#include <charconv>
#include <future>

namespace tracking::test {

using namespace std::chrono_literals;

Stranger::Stranger(const NatsServer& server) {
  if (natsConnection_ConnectTo(&connection_, server.url().c_str()) != NATS_OK) throw std::runtime_error("no server");
}

Stranger::~Stranger() { natsConnection_Destroy(connection_); }

std::string Stranger::ask(const std::string& subject, const std::string& body) {
  natsMsg* answer = nullptr;
  const auto status =
      natsConnection_RequestString(&answer, connection_, ("$JS.API." + subject).c_str(), body.c_str(), 10'000);
  if (status != NATS_OK) return natsStatus_GetText(status);
  std::string text(natsMsg_GetData(answer), static_cast<std::size_t>(natsMsg_GetDataLength(answer)));
  natsMsg_Destroy(answer);
  return text;
}

void Stranger::make_stream(const std::string& config) {
  const auto begin = config.find("\"name\":\"") + 8;
  const auto name = config.substr(begin, config.find('"', begin) - begin);
  const auto answer = ask("STREAM.CREATE." + name, config);
  if (answer.find("\"error\"") != answer.npos) throw std::runtime_error(answer);
}

void Stranger::make_usual_stream(const std::string& more) {
  make_stream(
      R"({"name":"TRACKING","subjects":["tracking.events.*"],"retention":"limits","storage":"file",)"
      R"("num_replicas":1,"discard":"new","duplicate_window":120000000000,"max_consumers":-1,"max_msg_size":-1)" +
      more + '}');
}

std::uint64_t Stranger::messages(const std::string& stream) {
  const auto answer = ask("STREAM.INFO." + stream);
  constexpr std::string_view key = "\"messages\":";
  std::uint64_t count = 0;
  const auto at = answer.find(key);
  if (at == answer.npos) throw std::runtime_error(answer);
  std::from_chars(answer.data() + at + key.size(), answer.data() + answer.size(), count);
  return count;
}

void Stranger::publish(const std::string& subject, std::string_view payload) {
  natsMsg* answer = nullptr;
  const auto status = natsConnection_Request(&answer, connection_, subject.c_str(), payload.data(),
                                             static_cast<int>(payload.size()), 10'000);
  natsMsg_Destroy(answer);
  if (status != NATS_OK) throw std::runtime_error(natsStatus_GetText(status));
}

std::string strangers_line(AccountId account_id, std::string_view id, std::string_view data) {
  return R"({"id":")" + std::string(id) + R"(","account_id":)" + std::to_string(account_id) +
         R"(,"timestamp":"2026-11-23T20:24:06.751257Z","data":)" + std::string(data) + '}';
}

std::string next(Subscriber& subscriber, std::chrono::milliseconds timeout) {
  const auto delivery = subscriber.next(timeout);
  if (!delivery) return "";
  if (const Gap* const gap = delivery->gap())
    return "[" + gap->reason + (gap->missed ? ' ' + std::to_string(*gap->missed) : "") + "]";
  std::string data(delivery->event()->data);
  std::erase(data, '"');
  return data;
}

std::string all_of(Subscriber& subscriber) {
  std::string all;
  for (std::string one = next(subscriber); !one.empty(); one = next(subscriber)) all += one;
  return all;
}

Receipt Replica::track(AccountId id, const std::string& data, const std::string& event_id) const {
  const Event event{.account_id = id, .data = data, .id = event_id};
  std::promise<Receipt> outcome;
  service->track(std::span(&event, 1), [&](std::span<const Receipt> receipts) { outcome.set_value(receipts[0]); });
  return outcome.get_future().get();
}

std::future<Replica::Told> Replica::track_and_ask(AccountId id, const std::string& data) const {
  struct Asked {  // until it is answered
    std::string data;
    Event event;
    std::promise<Told> told;
  };
  auto asked = std::make_shared<Asked>();
  asked->data = data;
  asked->event = {.account_id = id, .data = asked->data};
  service->track(std::span(&asked->event, 1), [this, asked](std::span<const Receipt> receipts) {
    asked->told.set_value({receipts[0].code, broker->health().code()});
  });
  return asked->told.get_future();
}

Replica JetStreamTest::replica(const std::string& parameters) {
  Replica replica;
  const auto url = BackendUrl::parse(server_.url("", "jetstream") + parameters).value();
  replica.broker = Backends({nats()}).open_broker({.url = url, .log = log_.sink()}).value();
  replica.service = TrackingService::open(std::vector<Account>{{.id = 1, .name = "a", .is_active = true},
                                                               {.id = 2, .name = "b", .is_active = true},
                                                               {.id = 3, .name = "c", .is_active = true}},
                                          replica.broker)
                        .value();
  return replica;
}

Replica JetStreamTest::ready_replica(const std::string& parameters) {
  auto made = replica(parameters);
  if (!is_ready(made)) throw std::runtime_error(made.broker->health().message());
  return made;
}

std::unique_ptr<Subscriber> JetStreamTest::from_afar(const SubscribeOptions& options, const std::string& parameters) {
  return Subscriber::open(server_.url("", "jetstream") + parameters, options, {nats()}).value();
}

}  // namespace tracking::test
