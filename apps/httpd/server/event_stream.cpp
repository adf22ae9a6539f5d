#include "server/event_stream.h"

#include <algorithm>

#include "server/connection.h"
#include "server/loop_context.h"
#include "server/prefetch.h"

namespace tracking::httpd {
namespace {

constexpr std::size_t fill_events_max = 256;
constexpr std::size_t buffer_bytes_min = 64 * 1024;
/// What a subscription of any broker looks at in itself when it is read.
constexpr std::size_t subscription_bytes_fetched = 384;

/// A frame of the chunked coding around what is appended while it lives. The size is written with leading zeros, so
/// that its place can be kept free.
class Chunk {
 public:
  Chunk(std::string& out, bool is_chunked) : out_(out), is_chunked_(is_chunked), start_(out.size()) {
    if (is_chunked_) out_ += "00000000\r\n";
  }
  void end() {
    if (!is_chunked_) return;
    std::size_t size = out_.size() - start_ - header_bytes;
    if (size == 0) return out_.resize(start_);  // an empty chunk would end the body
    for (std::size_t i = start_ + 8; i-- > start_; size /= 16) out_[i] = "0123456789abcdef"[size % 16];
    out_ += "\r\n";
  }

 private:
  static constexpr std::size_t header_bytes = 10;
  std::string& out_;
  const bool is_chunked_;
  const std::size_t start_;
};

/// The subscribers' memory, shared out: full buffers while there are few, an equal part of it when there are many.
std::size_t buffer_bytes(const ListenerSettings& settings, std::size_t subscribers) noexcept {
  const std::size_t full = SubscribeOptions().buffer_bytes_max;
  const std::size_t part = settings.subscriber_memory_bytes_max / std::max<std::size_t>(subscribers, 1);
  return std::clamp(part, buffer_bytes_min, full);
}

std::size_t gap_index(std::string_view reason) noexcept {
  constexpr std::string_view reasons[] = {gap_reason::slow_subscriber, gap_reason::expired,  gap_reason::unknown_cursor,
                                          gap_reason::disconnected,    gap_reason::sequence, gap_reason::corrupt};
  return static_cast<std::size_t>(std::find(std::begin(reasons), std::end(reasons), reason) - std::begin(reasons));
}

/// A place among the subscribers, or none.
bool take_place(Shared& shared) noexcept {
  if (shared.subscribers.fetch_add(1, std::memory_order_relaxed) < shared.settings.subscribers_max) return true;
  shared.subscribers.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

}  // namespace

EventStream::EventStream(LoopContext& context, Connection& connection, const web::StreamRequest& request)
    : context_(context), connection_(connection), is_sse_(request.is_sse), follows_(request.options.follow) {
  add(context_.metrics.subscribers, 1);
}

EventStream::~EventStream() {
  subscription_.reset();  // after this nobody wakes us
  context_.inbox->remove(*this);
  add(context_.metrics.subscribers, -1);
  context_.shared.subscribers.fetch_sub(1, std::memory_order_relaxed);
}

Result<std::unique_ptr<EventStream>> EventStream::open(LoopContext& context, Connection& connection,
                                                       web::StreamRequest request) {
  if (!take_place(context.shared)) {
    return {Code::overloaded, "there are too many subscribers already; try again later"};
  }
  std::unique_ptr<EventStream> stream(new EventStream(context, connection, request));
  request.options.buffer_bytes_max =
      buffer_bytes(context.settings, context.shared.subscribers.load(std::memory_order_relaxed));
  auto* const item = stream.get();
  auto subscription =
      context.shared.service.open_subscription(request.options, [item] { item->context_.inbox->push(*item); });
  if (!subscription) return subscription.error();
  stream->subscription_ = std::move(*subscription);
  stream->opened_at_ = std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  return stream;
}

void EventStream::arrive() noexcept { connection_.go_on(); }

void EventStream::prefetch() const noexcept {
  connection_.prefetch();
  httpd::prefetch(subscription_.get(), subscription_bytes_fetched);
}

EventStream::State EventStream::fill(std::string& out, bool is_chunked) {
  Deliveries& deliveries = context_.deliveries;
  const ReadState state = subscription_->read(deliveries, fill_events_max, fill_bytes);
  if (!deliveries.empty()) {
    const auto now = std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
    Chunk chunk(out, is_chunked);
    for (const DeliveryView& delivery : deliveries) {
      context_.frames.append(out, delivery, is_sse_);
      count(delivery, now);
    }
    chunk.end();
    deliveries.clear();
  }
  return state == ReadState::more ? State::more : state == ReadState::idle ? State::idle : State::ended;
}

void EventStream::count(const DeliveryView& delivery, Timestamp now) noexcept {
  LoopMetrics& metrics = context_.metrics;
  if (delivery.gap) {
    add(metrics.gaps_missed[gap_index(delivery.gap->reason)], delivery.gap->missed.value_or(1));
    return;
  }
  add(metrics.delivered, 1);
  const Timestamp accepted = delivery.cursor.timestamp;
  if (accepted >= opened_at_) observe(metrics.delivery_seconds, now - accepted);
}

void EventStream::append_opening(std::string& out, bool is_chunked) {
  if (!is_sse_) return;
  Chunk chunk(out, is_chunked);
  web::append_sse_opening(out, cursor());
  chunk.end();
}

void EventStream::append_heartbeat(std::string& out, bool is_chunked) {
  Chunk chunk(out, is_chunked);
  if (is_sse_) {
    web::append_sse_heartbeat(out, cursor());
  } else {
    out += '\n';
  }
  chunk.end();
}

void EventStream::append_end(std::string& out, bool is_chunked, State state) {
  // Whoever follows goes on at its cursor when we stop; who asked for the history must see that it was cut off.
  const bool is_whole = state == State::ended ? subscription_->status().is_ok() : follows_;
  if (is_chunked && is_whole) out += "0\r\n\r\n";
}

}  // namespace tracking::httpd
