#include <cstring>
#include <utility>

#include "web/event_routes_impl.h"
#include "web/ndjson_intake_impl.h"
#include "web/problem.h"
#include "web/text.h"

namespace tracking::web {
namespace {

/// All of a line but its data.
constexpr std::size_t members_bytes_max = 4096;

bool is_blank(std::string_view line) noexcept {
  for (const char c : line) {
    if (!is_json_space(c)) return false;
  }
  return true;
}

}  // namespace

NdjsonIntake::NdjsonIntake(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
NdjsonIntake::~NdjsonIntake() { impl_->abandon(); }
NdjsonIntake::Feed NdjsonIntake::feed(std::string_view piece) noexcept { return impl_->feed(piece); }
void NdjsonIntake::on_resume(Wake resume) { impl_->set_resume(std::move(resume)); }
void NdjsonIntake::finish(bool is_whole) noexcept { impl_->finish(is_whole); }
std::size_t NdjsonIntake::bytes_held() const noexcept { return impl_->bytes_held(); }

std::shared_ptr<NdjsonIntake::Impl> NdjsonIntake::Impl::make(EventRoutes::Impl& routes, std::string_view query,
                                                             Reply* reply) {
  auto impl = std::make_shared<Impl>(routes, reply);
  if (!read_ack(query, impl->acks_, impl->ack_, impl->refusal_, impl->refusal_detail_)) impl->is_stopped_ = true;
  return impl;
}

NdjsonIntake::Impl::Impl(EventRoutes::Impl& routes, Reply* reply)
    : lane_(routes.lane),
      ledger_(routes.ledger),
      limits_(routes.limits),
      acks_(routes.acks),
      batches_(routes.batches),
      gate_(routes.gate),
      report_(routes.limits.ndjson_listed_max),
      reply_(reply) {}

NdjsonIntake::Impl::~Impl() {
  if (has_entered_) gate_->leave(ready_.front()->load());
  if (filling_) batches_->give_back(std::move(filling_));
}

std::size_t NdjsonIntake::Impl::bytes_held() const noexcept {
  return partial_.capacity() + bytes_in_flight_.load(std::memory_order_relaxed);
}

// --- Reading ---------------------------------------------------------------------------------------------------------

NdjsonIntake::Feed NdjsonIntake::Impl::feed(std::string_view piece) noexcept {
  if (is_stopped_.load(std::memory_order_acquire)) return Feed::stop;
  try {
    read(piece);
    dispatch();
    for (;;) {
      hand_over();
      if (const auto result = state()) return *result;
    }
  } catch (const std::bad_alloc&) {
    stop_for_want_of_memory();
  }
  return Feed::stop;
}

// Told as the batch's stop, once all that was handed over before is known.
void NdjsonIntake::Impl::stop_for_want_of_memory() noexcept {
  const std::lock_guard lock(mutex_);
  is_out_of_memory_ = true;
  is_stopped_ = true;
}

void NdjsonIntake::Impl::read(std::string_view piece) {
  while (!piece.empty() && !is_stopped_.load(std::memory_order_relaxed)) {
    const auto* const end = static_cast<const char*>(std::memchr(piece.data(), '\n', piece.size()));
    const std::size_t size = end ? static_cast<std::size_t>(end - piece.data()) : piece.size();
    const bool is_too_long = partial_.size() + size > limits_.data_bytes_max + members_bytes_max;
    if (is_too_long) {
      is_skipping_ = true;
      std::string().swap(partial_);
    }
    if (end) {
      read_end_of_line(piece.substr(0, size));
      piece.remove_prefix(size + 1);
    } else {
      if (!is_skipping_) partial_ += piece;
      return;
    }
  }
}

void NdjsonIntake::Impl::read_end_of_line(std::string_view rest_of_line) {
  if (is_skipping_) {
    is_skipping_ = false;
    add_oversized_line();
  } else if (partial_.empty()) {
    add_line(rest_of_line);
  } else {
    partial_ += rest_of_line;
    add_line(partial_);
    constexpr std::size_t kept_bytes_max = 4096;
    partial_.clear();
    if (partial_.capacity() > kept_bytes_max) partial_.shrink_to_fit();
  }
}

void NdjsonIntake::Impl::add_line(std::string_view line) {
  if (is_blank(line)) return;
  filling().add_line(line);
  if (filling_->is_full()) dispatch();
}

void NdjsonIntake::Impl::add_oversized_line() {
  filling().add_oversized_line();
  if (filling_->is_full()) dispatch();
}

LineBatch& NdjsonIntake::Impl::filling() {
  if (!filling_) filling_ = batches_->take();
  return *filling_;
}

void NdjsonIntake::Impl::dispatch() {
  if (!filling_ || filling_->is_empty() || is_stopped_.load(std::memory_order_relaxed)) return;
  filling_->reserve();
  const auto load = filling_->load();
  const std::size_t bytes = filling_->bytes();
  {
    const std::lock_guard lock(mutex_);
    ready_.push_back(std::move(filling_));
    events_in_flight_ += load.events;
  }
  bytes_in_flight_.fetch_add(bytes, std::memory_order_relaxed);
  hand_over();
}

void NdjsonIntake::Impl::hand_over() {
  for (;;) {
    std::shared_ptr<Impl> self;
    std::unique_lock lock(mutex_);
    if (is_waiting_) return;
    if (ready_.empty() || is_abandoned_ || is_stopped_.load(std::memory_order_relaxed)) {
      self.swap(self_);
      lock.unlock();  // before we may vanish
      return;
    }
    LineBatch& batch = *ready_.front();
    if (!has_entered_) has_entered_ = gate_->enter(batch.load(), weak_from_this());
    is_waiting_ = !has_entered_;
    if (is_waiting_) return;
    in_order_.push_back(nullptr);
    // From here on nothing throws, and the batch is completed whatever happens.
    in_order_.back() = std::move(ready_.front());
    ready_.erase(ready_.begin());
    has_entered_ = false;
    has_lines_ = true;
    lock.unlock();
    batch.decode(limits_.data_bytes_max, ledger_);
    batch.owner = shared_from_this();
    if (batch.events().empty()) {
      complete(batch, {});
      continue;
    }
    lane_.track(batch.events(), [this, &batch](std::span<const Receipt> receipts) { complete(batch, receipts); },
                {.ack = ack_, .stops_at_failure = true});
  }
}

// The caller holds this intake.
void NdjsonIntake::Impl::entered() noexcept {
  std::shared_ptr<Impl> self;
  std::unique_lock lock(mutex_);
  is_waiting_ = false;
  has_entered_ = true;
  if (is_abandoned_ || is_stopped_) {
    has_entered_ = false;
    const auto load = ready_.front()->load();
    self.swap(self_);
    lock.unlock();
    return gate_->leave(load);
  }
  if (has_ended_) {
    lock.unlock();
    return hand_over_rest();
  }
  if (is_paused_) {
    is_paused_ = false;
    resume_due_ = true;
  }
  call_out(lock);
}

void NdjsonIntake::Impl::hand_over_rest() noexcept {
  try {
    return hand_over();
  } catch (const std::bad_alloc&) {
    stop_for_want_of_memory();
  }
  std::unique_lock lock(mutex_);
  count_no_lines();
  call_out(lock);
}

std::optional<NdjsonIntake::Feed> NdjsonIntake::Impl::state() noexcept {
  if (is_stopped_.load(std::memory_order_acquire)) return Feed::stop;
  const std::lock_guard lock(mutex_);
  if (has_entered_) return std::nullopt;
  is_paused_ = is_waiting_ || is_over(1);
  return is_paused_ ? Feed::pause : Feed::more;
}

bool NdjsonIntake::Impl::is_over(std::size_t divisor) const noexcept {
  return events_in_flight_ > limits_.ndjson_in_flight_max / divisor ||
         bytes_in_flight_.load(std::memory_order_relaxed) > limits_.ndjson_in_flight_bytes_max / divisor;
}

void NdjsonIntake::Impl::finish(bool is_whole) noexcept {
  try {
    if (is_whole && !is_stopped_) {
      if (is_skipping_ || !partial_.empty()) read_end_of_line({});
      dispatch();
    }
  } catch (const std::bad_alloc&) {
    stop_for_want_of_memory();
  }
  std::string().swap(partial_);
  std::unique_lock lock(mutex_);
  if (has_ended_) return;
  has_ended_ = true;
  if (!is_whole) report_.set_incomplete();
  if (!is_whole && !has_lines_ && ready_.empty() && refusal_ == Code::ok) {
    refusal_ = Code::bad_request;
    try {
      refusal_detail_ = "the body was cut or corrupt before its first whole line";
    } catch (const std::bad_alloc&) {  // then it is refused without a detail
    }
  }
  if (ready_.empty() || is_stopped_) count_no_lines();
  const auto self = shared_from_this();
  if (is_waiting_ || has_entered_) self_ = self;
  const bool goes_on = has_entered_;
  call_out(lock);
  if (goes_on) hand_over_rest();
}

void NdjsonIntake::Impl::count_no_lines() noexcept {
  if (std::exchange(has_lines_, true)) return;
  const Code code = refusal_ == Code::ok && is_out_of_memory_ ? Code::overloaded : refusal_;
  if (code == Code::ok) return count_no_event(ledger_);
  ledger_.received();
  ledger_.ended(code);
}

// --- Outcomes --------------------------------------------------------------------------------------------------------

void NdjsonIntake::Impl::complete(LineBatch& batch, std::span<const Receipt> receipts) noexcept {
  batch.keep(receipts, ledger_);
  const auto load = batch.load();
  bytes_in_flight_.fetch_sub(batch.bytes(), std::memory_order_relaxed);
  const auto self = std::move(batch.owner);
  std::unique_lock lock(mutex_);
  batch.is_done = true;
  events_in_flight_ -= load.events;
  fold_finished();
  if (is_paused_ && (is_stopped_ || (!is_waiting_ && !is_over(2)))) {
    is_paused_ = false;
    resume_due_ = true;
  }
  call_out(lock);
  gate_->leave(load);
}

void NdjsonIntake::Impl::fold_finished() noexcept {
  while (!in_order_.empty() && in_order_.front()->is_done) {
    auto batch = std::move(in_order_.front());
    in_order_.pop_front();
    batch->fold_into(report_);
    if (report_.is_stopped()) is_stopped_.store(true, std::memory_order_release);
    batches_->give_back(std::move(batch));
  }
}

void NdjsonIntake::Impl::call_out(std::unique_lock<std::mutex>& lock) noexcept {
  if (is_calling_) return;  // whoever calls looks again before it stops
  is_calling_ = true;
  calling_thread_ = std::this_thread::get_id();
  while (!is_abandoned_) {
    if (is_reply_due()) {
      has_replied_ = true;
      lock.unlock();
      send_reply(*reply_);
      lock.lock();
    } else if (resume_due_) {
      resume_due_ = false;
      lock.unlock();
      if (resume_) resume_();
      lock.lock();
    } else {
      break;
    }
  }
  is_calling_ = false;
  lock.unlock();
  call_ended_.notify_all();
}

void NdjsonIntake::Impl::send_reply(Reply& reply) noexcept {
  // All batches are told, so nobody else touches the report any more.
  try {
    if (refusal_ != Code::ok) {
      append_problem(answer_, refusal_, refusal_detail_);
      reply.answer({.status = http_status(refusal_), .content_type = problem_json, .body = answer_});
      return;
    }
    if (is_out_of_memory_) report_.stop(Code::overloaded);
    report_.append_json(answer_, ack_ == AckLevel::broker_default ? acks_.by_default : ack_);
  } catch (const std::bad_alloc&) {
    reply.answer(
        {.status = 504,
         .content_type = problem_json,
         .body = R"({"type":"in-doubt","title":"In doubt","status":504,"detail":"no memory for the answer"})"});
    return;
  }
  const int status = report_.status();
  reply.answer({.status = status, .content_type = "application/json", .body = answer_, .retry_after = status == 503});
}

void NdjsonIntake::Impl::abandon() noexcept {
  std::unique_lock lock(mutex_);
  is_abandoned_ = true;
  if (!has_ended_) {
    if (refusal_ == Code::ok) refusal_ = Code::bad_request;
    count_no_lines();
  } else if (!ready_.empty() && !std::exchange(has_lines_, true)) {
    ledger_.received();
    ledger_.ended(Code::bad_request);
  }
  if (!is_calling_ || calling_thread_ == std::this_thread::get_id()) return;
  call_ended_.wait(lock, [this] { return !is_calling_; });
}

}  // namespace tracking::web
