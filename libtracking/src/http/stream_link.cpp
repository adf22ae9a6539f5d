#include "http/stream_link.h"

#include "codec/no_memory.h"
#include "http/answers.h"

#include <algorithm>
#include <new>

namespace tracking::remote {
namespace {

constexpr std::size_t line_bytes_max = 16u << 20;     // an event's data is 256 KiB unless configured otherwise
constexpr std::size_t accounts_bytes_max = 6u << 10;  // the server takes request lines of 8 KiB
constexpr std::size_t cursor_bytes_max = 256;         // ours have 50 characters; others' stay bounded
constexpr auto pause_first = std::chrono::milliseconds(50);
constexpr auto pause_max = std::chrono::milliseconds(2'000);  // as `retry: 2000` tells browsers
constexpr auto retry_after_max = std::chrono::seconds(10);

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

std::string percent_encoded(std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    if (is_unreserved(c)) {
      result.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      result.append({'%', digits[byte >> 4], digits[byte & 15]});
    }
  }
  return result;
}

std::string joined(const std::vector<AccountId>& account_ids) {
  std::string result;
  for (const AccountId id : account_ids) result.append(result.empty() ? "" : ",").append(std::to_string(id));
  return result;
}

bool is_cursor_text(std::string_view text) {
  return !text.empty() && text.size() <= cursor_bytes_max && std::all_of(text.begin(), text.end(), is_unreserved);
}

Request stream_request(std::string path) { return {.path = std::move(path), .accept = "text/event-stream"}; }

}  // namespace

bool fits_request_line(const std::vector<AccountId>& account_ids) {
  return joined(account_ids).size() <= accounts_bytes_max;
}

StreamLink::StreamLink(const Endpoint& endpoint, const SubscribeOptions& options, std::shared_ptr<DeliveryQueue> queue,
                       Log log)
    : endpoint_(endpoint),
      options_(options),
      queue_(std::move(queue)),
      log_(std::move(log)),
      random_(std::random_device()()),
      connection_(
          endpoint.events,
          {.connect_timeout = endpoint.connect_timeout, .read_timeout = endpoint.idle_timeout, .is_reused = false},
          [this] { return queue_->is_current(plan_.generation); }),
      thread_([this] { run(); }) {}

StreamLink::~StreamLink() {
  connection_.interrupt();
  thread_.join();
}

// Under the lock a stream of the present generation cannot have begun if the one under way is of an older: only that is
// cut.
void StreamLink::refresh() noexcept {
  const std::lock_guard lock(refresh_mutex_);
  if (!queue_->is_current(wanted_generation_)) connection_.interrupt();
}

// Without memory to remember it by it is not said.
void StreamLink::say(LogLevel level, std::string_view message) noexcept {
  has_memory_for([&] {
    if (message == last_message_) return;
    std::string said(message);
    if (log_) log_(level, message);
    last_message_.swap(said);
  });
}

void StreamLink::run() noexcept {
  while (queue_->is_open()) {
    Next next = Next::at_once;
    std::chrono::seconds retry_after{0};
    if (!has_memory_for([&] { next = read_stream(retry_after); })) next = without_memory();
    if (next == Next::end) return;
    if (next == Next::after_pause) queue_->pause(next_pause(retry_after), plan_.generation);
  }
}

// If it throws, nothing was taken of what came since the last push(), and it comes again with the next stream.
StreamLink::Next StreamLink::read_stream(std::chrono::seconds& retry_after) {
  queue_->make(plan_);
  {
    const std::lock_guard lock(refresh_mutex_);
    wanted_generation_ = plan_.generation;
  }
  start_.clear();
  position_ = plan_.position;
  reader_.emplace(line_bytes_max);
  is_foreign_ = false;
  frames_ = 0;
  const Answer answer = connection_.exchange(stream_request(path()), this);
  is_live_ = false;
  if (frames_ > 1) failures_ = 0;
  if (!queue_->is_current(plan_.generation)) return Next::at_once;
  if (answer.lacks_memory) throw std::bad_alloc();
  retry_after = answer.retry_after;
  return after_stream(answer);
}

// As after a connection that was lost. It is told without any memory.
StreamLink::Next StreamLink::without_memory() noexcept {
  if (!endpoint_.retries) {
    queue_->end(no_memory(Code::overloaded));
    return Next::end;
  }
  constexpr const char* remembered = "no memory";  // short enough to need none
  if (last_message_ != remembered) {
    last_message_ = remembered;
    tracking::say(log_, LogLevel::warning, [] { return "no memory to read the event stream: trying again"; });
  }
  return Next::after_pause;
}

StreamLink::Next StreamLink::after_stream(const Answer& answer) {
  if (answer.reach != Reach::answered) {
    const std::string what = was_live_ ? "no connection to " : "could not connect to ";
    return lost(Code::could_not_connect, what + endpoint_.events.url() + " (" + answer.reason + ")");
  }
  if (answer.status != 200) return after_refusal(answer);
  if (is_foreign_) {
    const std::string what =
        endpoint_.events.url() + " answers, but not with an event stream: is it a tracking server?";
    return was_live_ ? lost(Code::not_found, what) : end(Code::not_found, what);
  }
  if (!options_.follow && answer.is_whole) {
    queue_->end({});
    return Next::end;
  }
  // A server that ends the stream in good order is going away, or moves its clients on.
  const std::string reason = answer.is_whole ? "the server ended the stream" : answer.reason;
  return lost(Code::could_not_connect, "lost the connection to " + endpoint_.events.url() + " (" + reason + ")");
}

StreamLink::Next StreamLink::after_refusal(const Answer& answer) {
  const Problem problem = parse_problem(answer);
  const std::string what = endpoint_.events.url() + " refused the stream: " + problem.text();
  const bool may_pass = answer.status >= 500 || answer.status == 408 || answer.status == 429;
  const bool is_ours =
      problem.code == Code::invalid_parameter || problem.code == Code::forbidden || problem.code == Code::unauthorized;
  // Once it has worked, another answer is likelier a proxy's or a restart's than the truth about our request.
  if (may_pass || (was_live_ && !is_ours)) return lost(problem.code, what);
  return end(problem.code, what);
}

StreamLink::Next StreamLink::lost(Code code, const std::string& reason) {
  if (!endpoint_.retries) return end(code, reason);
  say(LogLevel::warning, reason + ": trying again");
  return Next::after_pause;
}

StreamLink::Next StreamLink::end(Code code, const std::string& message) {
  queue_->end({code, message});
  return Next::end;
}

// Doubles up to pause_max, of which between a half and the whole is waited, so that many clients do not come at once.
std::chrono::milliseconds StreamLink::next_pause(std::chrono::seconds retry_after) {
  const auto doubled = pause_first * (1 << std::min(failures_, 10u));
  ++failures_;
  const auto pause = std::max<std::chrono::milliseconds>(std::min<std::chrono::milliseconds>(doubled, pause_max),
                                                         std::min(retry_after, retry_after_max));
  return pause / 2 + pause * std::uniform_int_distribution<int>(0, 500)(random_) / 1'000;
}

std::string StreamLink::path() const {
  std::string query;
  const auto add = [&](std::string_view name, std::string_view value) {
    query.append(query.empty() ? "?" : "&").append(name).append("=").append(value);
  };
  if (!plan_.account_ids.empty() && fits_request_line(plan_.account_ids)) add("account_id", joined(plan_.account_ids));
  if (!plan_.position.empty()) {
    add("since", percent_encoded(plan_.position));
  } else {
    if (!options_.since.text().empty()) add("since", percent_encoded(options_.since.text()));
    if (options_.tail) add("tail", std::to_string(*options_.tail));
  }
  if (!options_.follow) add("follow", "false");
  return "/v1/events" + query;
}

bool StreamLink::begin(const Answer& head) {
  is_foreign_ = head.content_type != "text/event-stream";
  if (is_foreign_) return false;
  is_live_ = true;
  // Said only if something else was said since: a changed filter opens a stream too.
  say(LogLevel::info, "connected to " + endpoint_.events.url());
  was_live_ = true;
  return queue_->is_current(plan_.generation);
}

bool StreamLink::take(std::string_view piece) {
  block_ = std::make_shared<DeliveryBlock>();
  block_->bytes.reserve(piece.size());
  const bool has_moved = reader_->feed(piece, *this);
  return has_moved && queue_->push(std::move(block_), start_, position_, plan_.generation);
}

bool StreamLink::frame(const SseFrame& frame) {
  ++frames_;
  if (is_cursor_text(frame.id)) position_ = frame.id;
  if (frames_ == 1 && !frame.has_data) start_ = position_;  // the opening
  if (frame.is_oversized) {
    add_gap({.reason = std::string(gap_reason::corrupt), .missed = 1});
  } else if (frame.type == "gap") {
    add_gap(parse_gap(frame.data));
  } else if (frame.has_data && (frame.type.empty() || frame.type == "message")) {
    add_event(frame);
  }
  return true;  // other types are of servers newer than we are
}

DeliveryBlock::Entry StreamLink::entry_at_position() {
  DeliveryBlock::Entry entry{.cursor_offset = block_->bytes.size(), .cursor_size = position_.size()};
  block_->bytes.append(position_);
  return entry;
}

void StreamLink::add_event(const SseFrame& frame) {
  const auto fields = parse_event_line(frame.data);
  if (!fields) return add_gap({.reason = std::string(gap_reason::corrupt), .missed = 1});
  auto entry = entry_at_position();
  entry.json_offset = block_->bytes.size();
  entry.json_size = frame.data.size();
  entry.account_id = fields->account_id;
  entry.timestamp = fields->timestamp;
  block_->bytes.append(frame.data);
  block_->entries.push_back(entry);
}

void StreamLink::add_gap(Gap gap) {
  auto entry = entry_at_position();
  entry.gap = static_cast<std::ptrdiff_t>(block_->gaps.size());
  block_->gaps.push_back(std::move(gap));
  block_->entries.push_back(entry);
}

namespace {

// Reads a stream up to its opening position.
class OpeningReader final : public BodySink, private SseHandler {
 public:
  bool begin(const Answer& head) override { return head.content_type == "text/event-stream"; }
  bool take(std::string_view piece) override { return reader_.feed(piece, *this); }
  std::optional<Cursor> position() const { return position_; }

 private:
  bool frame(const SseFrame& frame) override {
    position_ = parse_cursor(frame.id);
    return false;
  }
  SseReader reader_{4'096};
  std::optional<Cursor> position_;
};

}  // namespace

std::optional<Cursor> ask_position(const Endpoint& endpoint) {
  Connection connection(
      endpoint.events,
      {.connect_timeout = std::chrono::seconds(1), .read_timeout = std::chrono::seconds(2), .is_reused = false});
  OpeningReader opening;
  const Answer answer = connection.exchange(stream_request("/v1/events?since=now&follow=false"), &opening);
  if (!opening.position() && answer.lacks_memory) throw std::bad_alloc();
  return opening.position();
}

}  // namespace tracking::remote
