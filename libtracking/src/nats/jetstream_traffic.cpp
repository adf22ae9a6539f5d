// What the I/O thread does for a stream: events out, acknowledgements, answers and messages in.
#include <tracking/completion_burst.h>

#include <charconv>
#include <cstring>

#include "nats/jetstream_client.h"
#include "nats/message.h"

namespace tracking::jetstream {
namespace {

constexpr std::size_t output_bytes_max = 256 << 10;  // of one write_output()

/// The id of one of our own lines; empty if there is none.
std::string_view id_of(std::string_view line) noexcept {
  constexpr std::string_view head = R"({"id":")";
  if (!line.starts_with(head)) return {};
  const auto end = line.find('"', head.size());
  return end == line.npos || end - head.size() > EventId::bytes_max ? std::string_view()
                                                                    : line.substr(head.size(), end - head.size());
}

std::uint64_t number_of(std::string_view subject) noexcept {
  std::uint64_t number = 0;
  const auto digits = subject.substr(subject.rfind('.') + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

std::string_view payload_of(natsMsg* message) noexcept {
  return {natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message))};
}

std::uint64_t header_number(natsMsg* message, const char* key) noexcept {
  const char* value = nullptr;
  if (natsMsgHeader_Get(message, key, &value) != NATS_OK || !value) return 0;
  std::uint64_t number = 0;
  std::from_chars(value, value + std::strlen(value), number);
  return number;
}

/// Takes what waits in a subscription. Nothing else takes from it, and nothing is added meanwhile.
template <class Handle, class NoResponders>
void drain(natsSubscription* subscription, Handle handle, NoResponders no_responders) noexcept {
  int messages = 0;
  int bytes = 0;
  while (natsSubscription_GetPending(subscription, &messages, &bytes) == NATS_OK && messages > 0) {
    natsMsg* taken = nullptr;
    const auto status = natsSubscription_NextMsg(&taken, subscription, 0);
    const nats_io::Message message(taken);
    if (status == NATS_NO_RESPONDERS) {
      no_responders();
    } else if (status == NATS_OK) {
      int left = 0;
      natsSubscription_GetPending(subscription, &messages, &left);
      handle(message.get(), static_cast<std::size_t>(bytes - left));
    } else {
      return;
    }
  }
}

}  // namespace

void StreamClient::write_output(nats_io::Link& link) noexcept {
  const auto inbox = this->inbox();
  if (!inbox) return;
  Publisher::Message message;
  for (std::size_t bytes = 0; bytes < output_bytes_max && publisher_.next(message); bytes += message.json.size()) {
    const auto account = static_cast<std::uint64_t>(message.account_id);
    natsMsg* made = nullptr;
    auto status =
        natsMsg_Create(&made, subject_.with(account), message.number ? inbox->reply.with(message.number) : nullptr,
                       message.json.data(), static_cast<int>(message.json.size()));
    const nats_io::Message owned(made);
    const auto id = id_of(message.json);
    if (status == NATS_OK && !id.empty()) status = natsMsgHeader_Set(made, "Nats-Msg-Id", key_.with(account, id));
    if (status == NATS_OK) status = natsConnection_PublishMsg(link.get(), made);
    if (status == NATS_OK || !message.number) continue;
    publisher_.fail(message.number, status == NATS_MAX_PAYLOAD ? Code::too_large : Code::broker_unavailable);
  }
  publisher_.written();
}

void StreamClient::read_input(nats_io::Link&) noexcept {
  const auto inbox = this->inbox();
  if (!inbox) return;
  const CompletionBurst burst;  // acknowledgements come many at a time
  drain(
      inbox->acks,
      [this](natsMsg* message, std::size_t) {
        take_ack(number_of(natsMsg_GetSubject(message)), read_pub_ack(payload_of(message)));
      },
      [this] {
        publisher_.no_stream();
        nudge();
      });
  drain(
      inbox->answers,
      [this](natsMsg* message, std::size_t) {
        api_.answer(number_of(natsMsg_GetSubject(message)), payload_of(message));
      },
      [this] { api_.no_responders(); });
  drain(
      inbox->messages, [&](natsMsg* message, std::size_t bytes) { read_message(inbox->name, message, bytes); },
      [this] { readers_.consumer_gone(); });
}

void StreamClient::take_ack(std::uint64_t number, const PubAck& ack) noexcept {
  if (ack.code != Code::ok || !ack.is_duplicate) return publisher_.acknowledge(number, ack);
  // The answer to a repeat carries the first one's time, which the event itself tells.
  const bool is_asked = api_.find_message(ack.position, [this, number](const Result<StoredMessage>& message) {
    const auto event = message ? parse_event_line(message->payload) : std::nullopt;
    publisher_.acknowledge_repeat(number, event ? std::optional(event->timestamp) : std::nullopt);
  });
  if (!is_asked) publisher_.acknowledge_repeat(number, std::nullopt);
}

void StreamClient::read_message(const std::string& inbox, natsMsg* message, std::size_t bytes) noexcept {
  const std::string_view subject = natsMsg_GetSubject(message);
  const char* const reply = natsMsg_GetReply(message);
  if (!subject.starts_with(inbox)) {
    if (!reply) return;
    const std::string_view place = reply;
    return readers_.message(place, subject, payload_of(message), bytes + subject.size() + place.size());
  }
  OrderedReader::Notice notice;
  notice.status = static_cast<int>(header_number(message, "Status"));
  notice.last_number = header_number(message, "Nats-Last-Consumer");
  notice.last_position = header_number(message, "Nats-Last-Stream");
  notice.left = header_number(message, "Nats-Pending-Messages");
  readers_.notice(number_of(subject), notice);
}

}  // namespace tracking::jetstream
