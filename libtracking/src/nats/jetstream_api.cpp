#include "nats/jetstream_api.h"

#include "codec/no_memory.h"
#include "codec/rfc3339.h"

namespace tracking::jetstream {
namespace {

constexpr std::string_view prefix = "$JS.API.";
constexpr const char* link_lost_text = "the connection to NATS was lost";
constexpr auto search_max = std::chrono::seconds(1);

// A consumer goes by itself when nothing was pulled for so long: of a reader that is slower than that, or gone.
constexpr std::string_view consumer_age_ns = "15000000000";

std::optional<Status> error_of(const JsonObject& answer, const std::string& subject) {
  const auto error = answer.object("error");
  if (!error) return std::nullopt;
  constexpr int not_found = 404;
  constexpr int unavailable = 503;
  const auto number = error->number("code");
  const Code code = number == not_found     ? Code::not_found
                    : number == unavailable ? Code::broker_unavailable
                                            : Code::invalid_parameter;
  return Status(code, subject + ": " + std::string(error->text("description")));
}

Result<StoredMessage> read_message(std::string_view answer) {
  const auto object = JsonObject::parse(answer);
  if (!object) return {Code::internal, "STREAM.MSG.GET: an answer that is no JSON"};
  if (const auto error = error_of(*object, "STREAM.MSG.GET")) return *error;
  const auto message = object->object("message");
  auto payload = message ? decode_base64(message->text("data")) : std::nullopt;
  if (!payload) return {Code::internal, "STREAM.MSG.GET: an answer that cannot be understood"};
  return StoredMessage{.position = message->position("seq"), .payload = std::move(*payload)};
}

std::string quoted_time(Timestamp time) {
  char text[codec::rfc3339_size];
  return '"' + std::string(text, codec::write_rfc3339(text, time)) + '"';
}

}  // namespace

void Api::connect(std::shared_ptr<nats_io::Link> link, const std::string& inbox) {
  const std::lock_guard lock(mutex_);
  link_ = std::move(link);
  inbox_ = inbox;
  is_responsive_ = true;
}

void Api::disconnect() noexcept {
  {
    const std::lock_guard lock(mutex_);
    link_ = nullptr;
    fail_calls(link_lost_text);
  }
  end_searches(true);
}

void Api::link_lost() noexcept {
  const std::lock_guard lock(mutex_);
  fail_calls(link_lost_text);
}

void Api::fail_calls(const char* why) noexcept {
  for (auto& [number, call] : calls_) {
    if (!call.is_over()) call.failure = why;
  }
  answered_.notify_all();
}

void Api::answer(std::uint64_t number, std::string_view payload) noexcept {
  std::unique_lock lock(mutex_);
  is_responsive_ = true;
  if (const auto search = searches_.find(number); search != searches_.end()) {
    const auto node = searches_.extract(search);
    lock.unlock();
    return node.mapped().found(unless_no_memory(Code::overloaded, [&] { return read_message(payload); }));
  }
  const auto found = calls_.find(number);
  if (found == calls_.end() || found->second.is_over()) return;
  if (!has_memory_for([&] { found->second.answer.emplace(payload); })) found->second.failure = "no memory";
  answered_.notify_all();
}

void Api::no_responders() noexcept {
  {
    const std::lock_guard lock(mutex_);
    is_responsive_ = true;
    fail_calls("the NATS server has no JetStream for us: start it with -js");
  }
  end_searches(true);
}

bool Api::is_responsive() const {
  const std::lock_guard lock(mutex_);
  return is_responsive_;
}

Result<std::string> Api::call(const std::string& subject, const std::string& body, Deadline deadline) {
  std::unique_lock lock(mutex_);
  const auto link = link_;
  if (!link) return {Code::broker_unavailable, "not connected to NATS"};
  const std::uint64_t number = next_number_++;
  const std::string to = std::string(prefix) + subject;
  const std::string reply = inbox_ + '.' + std::to_string(number);
  calls_.emplace(number, Call());  // the last that needs memory before it is taken out again
  lock.unlock();
  const auto sent =
      natsConnection_PublishRequest(link->get(), to.c_str(), reply.c_str(), body.data(), static_cast<int>(body.size()));
  lock.lock();
  if (sent == NATS_OK) answered_.wait_until(lock, deadline, [&] { return calls_.at(number).is_over(); });
  Call call = std::move(calls_.at(number));
  calls_.erase(number);
  if (call.failure) return {Code::broker_unavailable, call.failure};
  if (!call.answer) {
    is_responsive_ = false;
    lock.unlock();
    return not_answered(*link);
  }
  lock.unlock();
  const auto object = JsonObject::parse(*call.answer);
  if (!object) return {Code::internal, subject + ": an answer that is no JSON"};
  if (const auto error = error_of(*object, subject)) return *error;
  return std::move(*call.answer);
}

// A server that forbids a call says so, but does not answer it.
Status Api::not_answered(nats_io::Link& link) const {
  const char* text = nullptr;
  natsConnection_GetLastError(link.get(), &text);
  const std::string_view last = text ? text : "";
  if (last.find("ermissions") != last.npos) return {Code::forbidden, "NATS forbids it: " + std::string(last)};
  return {Code::timed_out, "JetStream does not answer"};
}

Result<StreamInfo> Api::stream_info(Deadline deadline, std::string* config) {
  auto answer = call("STREAM.INFO." + stream_, "", deadline);
  if (!answer) return answer.error();
  const auto object = JsonObject::parse(*answer);
  const auto info = read_stream_info(*object, wildcard_);
  if (!info) return {Code::internal, "STREAM.INFO: an answer that cannot be understood"};
  if (config) *config = object->find("config");
  return *info;
}

Status Api::create_stream(const std::string& config, Deadline deadline) {
  return call("STREAM.CREATE." + stream_, config, deadline).error();
}

Result<Consumer> Api::create_consumer(const ConsumerStart& start, Deadline deadline) {
  std::string body = R"({"stream_name":")" + stream_ +
                     R"(","config":{"ack_policy":"none","max_deliver":1,"replay_policy":"instant","mem_storage":true,)"
                     R"("num_replicas":1,"inactive_threshold":)";
  body.append(consumer_age_ns);
  if (!start.filter.empty()) body.append(R"(,"filter_subject":")").append(start.filter).append("\"");
  if (start.time) {
    body.append(R"(,"deliver_policy":"by_start_time","opt_start_time":)").append(quoted_time(*start.time));
  } else {
    body.append(R"(,"deliver_policy":"by_start_sequence","opt_start_seq":)")
        .append(std::to_string(std::max<std::uint64_t>(start.position, 1)));
  }
  auto answer = call("CONSUMER.CREATE." + stream_, body.append("}}"), deadline);
  if (!answer) return answer.error();
  const auto object = JsonObject::parse(*answer);
  const auto delivered = object->object("delivered");
  Consumer consumer{.name = std::string(object->text("name")),
                    .position = delivered ? delivered->position("stream_seq") + 1 : 1,
                    .waiting = object->position("num_pending")};
  if (consumer.name.empty()) return {Code::internal, "CONSUMER.CREATE: an answer without a name"};
  return consumer;
}

void Api::drop_consumer(const std::string& name) noexcept {
  has_memory_for([&] { send("CONSUMER.DELETE." + name_in_stream(name), "", ""); });
}

Result<StoredMessage> Api::message_at(std::uint64_t position, Deadline deadline) {
  const auto answer = call("STREAM.MSG.GET." + stream_, R"({"seq":)" + std::to_string(position) + '}', deadline);
  return answer ? read_message(*answer) : answer.error();
}

bool Api::find_message(std::uint64_t position, std::function<void(const Result<StoredMessage>&)> found) noexcept {
  bool is_under_way = false;
  has_memory_for([&] {
    std::string reply;
    {
      const std::lock_guard lock(mutex_);
      if (!link_ || searches_.size() == searches_max) return;
      const std::uint64_t number = next_number_++;
      reply = inbox_ + '.' + std::to_string(number);
      searches_.emplace(number, Search{std::move(found), std::chrono::steady_clock::now() + search_max});
    }
    is_under_way = true;  // also if it is not sent: then it expires
    send("STREAM.MSG.GET." + stream_, R"({"seq":)" + std::to_string(position) + '}', reply);
  });
  return is_under_way;
}

void Api::expire() noexcept { end_searches(false); }

void Api::end_searches(bool all) noexcept {
  const auto now = std::chrono::steady_clock::now();
  for (;;) {
    std::unique_lock lock(mutex_);
    if (searches_.empty() || (!all && searches_.begin()->second.deadline >= now)) return;
    const auto search = searches_.extract(searches_.begin());
    lock.unlock();
    search.mapped().found(Status(Code::timed_out, "no answer"));
  }
}

bool Api::pull(const std::string& consumer, const std::string& request, const std::string& reply) noexcept {
  bool is_sent = false;
  has_memory_for([&] { is_sent = send("CONSUMER.MSG.NEXT." + name_in_stream(consumer), request, reply); });
  return is_sent;
}

// The answer to a call that nobody waits for goes to number 0.
bool Api::send(const std::string& subject, const std::string& body, std::string reply) {
  std::unique_lock lock(mutex_);
  const auto link = link_;
  if (!link) return false;
  if (reply.empty()) reply = inbox_ + ".0";
  lock.unlock();
  return natsConnection_PublishRequest(link->get(), (std::string(prefix) + subject).c_str(), reply.c_str(), body.data(),
                                       static_cast<int>(body.size())) == NATS_OK;
}

}  // namespace tracking::jetstream
