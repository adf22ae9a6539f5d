#include "nats/jetstream_reader.h"

#include <array>
#include <charconv>

#include "codec/no_memory.h"

namespace tracking::jetstream {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr std::string_view heartbeat_ns = "1000000000";
constexpr std::string_view expires_ns = "30000000000";
constexpr auto silence_max = 4s;
// After such a pause the consumer may be gone, and what it would have given next, too: it is made again, which looks.
constexpr auto stall_max = 5s;
// A message that is larger than a request's bytes ends the request. Doubled each time, up to here.
constexpr std::size_t request_bytes_max = 64 << 20;

constexpr int heartbeat = 100;
constexpr int timed_out = 408;
constexpr int ended = 409;  // by bytes, by the consumer's end, by a change of its leader

std::uint64_t to_number(std::string_view text) noexcept {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

std::optional<MessagePlace> read_place(std::string_view reply) noexcept {
  if (!reply.starts_with("$JS.ACK.")) return std::nullopt;
  std::array<std::string_view, 12> tokens;
  std::size_t count = 0;
  while (count < tokens.size()) {
    const auto dot = reply.find('.');
    tokens[count++] = reply.substr(0, dot);
    if (dot == reply.npos) break;
    reply.remove_prefix(dot + 1);
  }
  // 9, or from 11 on with the domain and the account in front of the stream.
  if (count != 9 && count < 11) return std::nullopt;
  const std::size_t stream = count == 9 ? 2 : 4;
  const MessagePlace place{.consumer = tokens[stream + 1],
                           .position = to_number(tokens[stream + 3]),
                           .number = to_number(tokens[stream + 4]),
                           .waiting = to_number(tokens[stream + 6])};
  return place.position == 0 || place.number == 0 ? std::nullopt : std::optional(place);
}

OrderedReader::OrderedReader(Api& api, std::uint64_t position, std::string filter, std::shared_ptr<MessageSink> sink,
                             std::function<void()> needs_keeper)
    : api_(api),
      sink_(std::move(sink)),
      call_keeper_(std::move(needs_keeper)),
      filter_(std::move(filter)),
      next_(position) {}

OrderedReader::~OrderedReader() {
  if (!name_.empty()) api_.drop_consumer(name_);
}

bool OrderedReader::needs_keeper() const {
  const std::lock_guard lock(mutex_);
  return !is_stopped_ && (is_wanted_ || is_settling_);
}

std::uint64_t OrderedReader::position() const {
  const std::lock_guard lock(mutex_);
  return next_;
}

Status OrderedReader::start(const StreamInfo& info, const std::string& reply, Api::Deadline deadline,
                            const std::function<void(const std::string&)>& named) noexcept {
  Status status = no_memory(Code::broker_unavailable);
  has_memory_soon_for([&] {
    try {
      status = make_consumer(info, reply, deadline, named);
    } catch (...) {
      want_again();
      throw;
    }
  });
  if (!status) want_again();
  return status;
}

void OrderedReader::want_again() noexcept {
  const std::lock_guard lock(mutex_);
  is_wanted_ = true;
}

Status OrderedReader::make_consumer(const StreamInfo& info, const std::string& reply, Api::Deadline deadline,
                                    const std::function<void(const std::string&)>& named) {
  ConsumerStart where;
  std::string old;
  {
    const std::lock_guard lock(mutex_);
    if (!is_wanted_ || is_stopped_) return {};
    is_wanted_ = is_settling_ = false;
    held_.clear();
    old = std::exchange(name_, {});
    sees_all_ = filter_.empty() && info.is_ours_alone;
    where = {.position = std::max(next_, info.first),
             .filter = filter_.empty() && !info.is_ours_alone ? api_.wildcard() : filter_};
  }
  if (!old.empty()) api_.drop_consumer(old);
  const auto consumer = api_.create_consumer(where, deadline);
  if (!consumer) return consumer.error();
  std::string name = consumer->name;
  std::string to = reply;
  named(name);
  const std::lock_guard delivery(delivery_mutex_);
  std::unique_lock lock(mutex_);
  // Interrupted meanwhile: it is done again.
  if (is_wanted_ || is_stopped_) return {};
  // The server may have let messages go since it told what it has.
  const std::uint64_t begin = std::max(where.position, std::min(consumer->position, info.last + 1));
  const std::uint64_t before = next_;
  const std::uint64_t missed = begin > next_ ? begin - next_ : 0;
  next_ = std::max(next_, begin);
  last_known_ = info.last;
  name_ = std::move(name);
  reply_ = std::move(to);
  given_ = messages_left_ = 0;
  stalled_ = {};
  heard_ = SteadyClock::now();
  const bool is_exact = sees_all_;
  if (consumer->waiting == 0) next_ = std::max(next_, info.last + 1);
  const auto reached = next_;
  lock.unlock();
  if (missed > 0 && !sink_->on_expired(begin, is_exact ? std::optional(missed) : std::nullopt)) {
    lock.lock();
    next_ = before;
    return no_memory(Code::broker_unavailable);
  }
  sink_->on_reached(reached);
  lock.lock();
  request();
  return {};
}

void OrderedReader::stop() {
  const std::lock_guard delivery(delivery_mutex_);
  const std::lock_guard lock(mutex_);
  is_stopped_ = true;
}

void OrderedReader::interrupt() {
  const std::lock_guard lock(mutex_);
  name_.clear();
  is_wanted_ = true;
}

void OrderedReader::fail() noexcept {
  is_wanted_ = true;
  call_keeper_();
}

void OrderedReader::set_filter(std::string filter) {
  const std::lock_guard lock(mutex_);
  if (filter_ == filter) return;
  filter_ = std::move(filter);
  fail();
}

void OrderedReader::tick() {
  const std::lock_guard lock(mutex_);
  if (name_.empty() || is_wanted_) return;
  if (messages_left_ > 0 && SteadyClock::now() - heard_ > silence_max) fail();
}

void OrderedReader::message(const MessagePlace& place, std::string_view subject, std::string_view payload,
                            std::size_t bytes) noexcept {
  const std::lock_guard delivery(delivery_mutex_);
  std::uint64_t reached = 0;
  {
    const std::lock_guard lock(mutex_);
    if (is_wanted_ || is_stopped_ || place.consumer != name_) return;
    heard_ = SteadyClock::now();
    if (place.number != given_ + 1) return fail();
    ++given_;
    bytes_left_ -= std::min(bytes_left_, bytes);
    messages_left_ = bytes_left_ == 0 ? 0 : messages_left_ - std::min<std::uint64_t>(messages_left_, 1);
    if (sees_all_ && place.position != next_ && !is_settling_) {
      is_settling_ = true;
      call_keeper_();
    }
    if (is_settling_) {
      const auto hold = [&] { held_.push_back({place.position, std::string(subject), std::string(payload)}); };
      if (!has_memory_for(hold)) return fail();
    } else {
      // What else the stream had when the consumer was made is not wanted, if this was the last that is.
      reached = place.waiting == 0 ? std::max(place.position, last_known_) + 1 : 0;
      next_ = std::max(place.position + 1, reached);
    }
    request();
    if (is_settling_) return;
  }
  if (!sink_->on_message(place.position, subject, payload)) return read_again(place.position);
  if (reached > 0) sink_->on_reached(reached);
}

void OrderedReader::read_again(std::uint64_t position) noexcept {
  const std::lock_guard lock(mutex_);
  next_ = position;
  fail();
}

Status OrderedReader::settle(Api::Deadline deadline) {
  for (;;) {
    std::deque<Held> held;
    {
      const std::lock_guard lock(mutex_);
      if (!is_settling_ || is_wanted_ || is_stopped_) return {};
    }
    // What is in the stream now was there, or gone, when the messages were held.
    const auto info = api_.stream_info(deadline);
    if (!info) return info.error();
    const std::lock_guard delivery(delivery_mutex_);
    {
      const std::lock_guard lock(mutex_);
      if (!is_settling_ || is_wanted_ || is_stopped_) return {};
      held.swap(held_);
      if (held.empty()) {
        is_settling_ = false;
        return {};
      }
    }
    for (const Held& message : held) {
      const std::uint64_t next = position();
      const std::uint64_t end = std::min(message.position, info->first);
      if (end > next && !sink_->on_expired(end, end - next)) {
        read_again(next);
        return {};
      }
      if (!deliver(message.position, message.subject, message.payload)) return {};
    }
  }
}

bool OrderedReader::deliver(std::uint64_t position, std::string_view subject, std::string_view payload) noexcept {
  {
    const std::lock_guard lock(mutex_);
    next_ = position + 1;
  }
  if (sink_->on_message(position, subject, payload)) return true;
  read_again(position);
  return false;
}

void OrderedReader::notice(const Notice& notice) noexcept {
  const std::lock_guard delivery(delivery_mutex_);
  std::uint64_t reached = 0;
  {
    const std::lock_guard lock(mutex_);
    if (is_wanted_ || is_stopped_ || name_.empty()) return;
    heard_ = SteadyClock::now();
    if (notice.status == heartbeat) {
      if (notice.last_number != given_) return fail();
      if (is_settling_ || notice.last_position < next_) return;
      reached = next_ = notice.last_position + 1;
    } else if (notice.status == timed_out || notice.status == ended) {
      if (notice.left == 0) return fail();
      // Not one was given: a message is larger than the request.
      if (notice.status == ended && notice.left == batch_) request_bytes_ *= 2;
      messages_left_ = 0;
      request();
    } else {
      return fail();
    }
  }
  if (reached > 0) sink_->on_reached(reached);
}

void OrderedReader::ask() noexcept {
  const std::lock_guard lock(mutex_);
  request();
}

// One at a time: the server serves several in turns, and who ran out of bytes could not be told.
void OrderedReader::request() noexcept {
  if (name_.empty() || is_wanted_ || is_stopped_ || messages_left_ > 0) return;
  const auto now = SteadyClock::now();
  const auto credit = sink_->credit();
  if (credit.messages == 0) {
    if (stalled_ == Time{}) stalled_ = now;
    return;
  }
  if (stalled_ != Time{} && now - std::exchange(stalled_, Time{}) > stall_max) return fail();
  request_bytes_ = std::min(std::max(request_bytes_, credit.bytes), request_bytes_max);
  bytes_left_ = request_bytes_;
  messages_left_ = batch_ = credit.messages;
  heard_ = now;
  bool is_sent = false;
  has_memory_for([&] {
    is_sent = api_.pull(name_,
                        R"({"batch":)" + std::to_string(batch_) + R"(,"max_bytes":)" + std::to_string(request_bytes_) +
                            R"(,"expires":)" + std::string(expires_ns) + R"(,"idle_heartbeat":)" +
                            std::string(heartbeat_ns) + '}',
                        reply_);
  });
  if (!is_sent) fail();
}

}  // namespace tracking::jetstream
