#include "server/loop_context.h"

#include <ctime>
#include <new>

#include "http_date.h"

namespace tracking::httpd {
namespace {

/// What a body may take beside the shared body memory: it is within what a connection may have.
constexpr std::size_t own_body_bytes = 4096;

std::unique_ptr<Lane> lane_of(TrackingService& service) {
  auto lane = service.lane();
  if (!lane) throw std::bad_alloc();
  return lane;
}

}  // namespace

void observe(Histogram& histogram, std::chrono::nanoseconds value) noexcept {
  const double seconds = std::chrono::duration<double>(value).count();
  std::size_t index = 0;
  while (index < Histogram::bounds_seconds.size() && seconds > Histogram::bounds_seconds[index]) ++index;
  add(histogram.counts[index], 1);
  add(histogram.sum_ns, value.count() > 0 ? value.count() : 0);
}

LoopContext::LoopContext(Shared& all_loops, LoopMetrics& loop_metrics, std::shared_ptr<Inbox> loop_inbox)
    : shared(all_loops),
      settings(all_loops.settings),
      head_limits{.request_line_bytes_max = all_loops.settings.request_line_bytes_max,
                  .head_bytes_max = all_loops.settings.head_bytes_max,
                  .header_count_max = all_loops.settings.header_count_max},
      metrics(loop_metrics),
      inbox(std::move(loop_inbox)),
      lane_(lane_of(all_loops.service)),
      routes(*lane_, all_loops.ledger, all_loops.service, all_loops.settings.limits),
      exchanges(*this),
      thread_(std::this_thread::get_id()) {
  tick();
  read_date();  // the lines' memory is there from now on
}

void LoopContext::tick() noexcept { now_ = std::chrono::steady_clock::now(); }

std::string_view LoopContext::date_line() {
  read_date();
  return date_line_;
}

std::string_view LoopContext::accepted_lines() {
  read_date();
  return accepted_lines_;
}

void LoopContext::read_date() {
  // The coarse clock costs a few nanoseconds; what it may be late (some milliseconds) shows only in who sees a new
  // second first.
  timespec time{};
  clock_gettime(CLOCK_REALTIME_COARSE, &time);
  if (time.tv_sec == date_seconds_) return;
  date_seconds_ = time.tv_sec;
  char text[64];
  date_line_.assign("Date: ").append(http_date(time.tv_sec, text)).append("\r\n");
  accepted_lines_.assign("HTTP/1.1 202 Accepted\r\n").append(date_line_).append("Content-Type: application/json\r\n");
}

void LoopContext::post(Exchange& exchange) noexcept {
  exchange.state = Exchange::State::waiting;
  handing_over_ = &exchange;
  routes.post(exchange.route,
              {.method = "POST",
               .path = exchange.path,
               .query = exchange.query,
               .content_type = exchange.content_type,
               .body = exchange.body},
              exchange);
  handing_over_ = nullptr;
}

void LoopContext::finish(Exchange& exchange, bool is_whole) noexcept {
  exchange.state = Exchange::State::waiting;
  handing_over_ = &exchange;
  exchange.intake->finish(is_whole);
  handing_over_ = nullptr;
}

bool LoopContext::reserve_body(Exchange& exchange) noexcept {
  const std::size_t held = exchange.body.capacity() + (exchange.intake ? exchange.intake->bytes_held() : 0);
  const std::size_t needed = held > own_body_bytes ? held : 0;
  if (needed > exchange.bytes_reserved) {
    if (!shared.body_memory.take(needed - exchange.bytes_reserved)) return false;
  } else {
    shared.body_memory.give_back(exchange.bytes_reserved - needed);
  }
  metrics.body_bytes.store(metrics.body_bytes.load(std::memory_order_relaxed) + needed - exchange.bytes_reserved,
                           std::memory_order_relaxed);
  exchange.bytes_reserved = needed;
  return true;
}

void LoopContext::release_body(Exchange& exchange) noexcept {
  if (exchange.bytes_reserved == 0) return;
  shared.body_memory.give_back(exchange.bytes_reserved);
  metrics.body_bytes.store(metrics.body_bytes.load(std::memory_order_relaxed) - exchange.bytes_reserved,
                           std::memory_order_relaxed);
  exchange.bytes_reserved = 0;
}

}  // namespace tracking::httpd
