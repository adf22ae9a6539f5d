#include "server/exchange.h"

#include "server/connection.h"
#include "server/loop_context.h"

namespace tracking::httpd {
namespace {

/// Buffers up to this size stay with a pooled exchange.
constexpr std::size_t kept_bytes_max = 4096;
constexpr std::size_t pooled_max = 1024;

void clear(std::string& text) noexcept {
  text.clear();
  if (text.capacity() > kept_bytes_max) std::string().swap(text);
}

}  // namespace

void Exchange::answer(const web::Answer& answer) noexcept {
  if (context_.is_handing_over(*this)) {
    connection->answered(*this, answer);
    return;
  }
  keep(answer);
  // Held here, because the loop may end as soon as the last answer has arrived.
  const std::shared_ptr<Inbox> inbox = context_.inbox;
  inbox->push(*this);
}

void Exchange::resume() noexcept { context_.inbox->push(resumed_); }

void Exchange::Resumed::arrive() noexcept {
  if (exchange.connection) exchange.connection->resume_intake();
}

void Exchange::arrive() noexcept {
  if (!connection) return context_.exchanges.give_back(*this);
  state = State::answered;
  connection->wake();
}

void Exchange::keep(const web::Answer& answer) noexcept {
  answer_ = answer;
  answer_.body = {};
  try {
    answer_body.assign(answer.body);
  } catch (const std::bad_alloc&) {
    // What became of the events cannot be told: the connection ends without an answer.
    answer_.status = 0;
  }
}

web::Answer Exchange::kept() const noexcept {
  web::Answer answer = answer_;
  answer.body = answer_body;
  return answer;
}

void Exchange::reset() noexcept {
  intake.reset();  // after this nobody resumes
  context_.inbox->remove(resumed_);
  inflater.reset();
  connection = nullptr;
  next = nullptr;
  state = State::receiving;
  route = web::Route::none;
  is_head = is_http_1_0 = closes = has_cors = continue_is_due = false;
  for (std::string* text : {&path, &query, &content_type, &body, &origin, &answer_body, &extra_headers}) clear(*text);
}

Exchange& ExchangePool::take() {
  std::unique_ptr<Exchange> exchange;
  if (free_.empty()) {
    free_.reserve(pooled_max);
    exchange = std::make_unique<Exchange>(context_);
  } else {
    exchange = std::move(free_.back());
    free_.pop_back();
  }
  ++taken_;
  return *exchange.release();
}

void ExchangePool::give_back(Exchange& exchange) noexcept {
  context_.release_body(exchange);
  exchange.reset();
  --taken_;
  std::unique_ptr<Exchange> owner(&exchange);
  if (free_.size() < pooled_max) free_.push_back(std::move(owner));
}

}  // namespace tracking::httpd
