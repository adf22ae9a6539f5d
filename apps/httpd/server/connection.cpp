#include "server/connection.h"

#include <algorithm>

#include "server/answer_writer.h"
#include "server/prefetch.h"

namespace tracking::httpd {
namespace {

/// Answers of one connection that may be waited for; then its further requests wait unread.
constexpr unsigned pipelined_max = 64;
/// Output put out in one turn before the socket must have taken it.
constexpr std::size_t output_bytes_max = 64 * 1024;
/// How often memory for a body is asked for again while there is none, and for how long.
constexpr auto memory_retry = std::chrono::milliseconds(50);
constexpr auto memory_patience = std::chrono::seconds(2);

}  // namespace

Connection::Connection(LoopContext& context, Transport& transport, Peer peer)
    : context_(context), transport_(transport), peer_(peer), phase_started_(context.now()) {
  update_deadline();
}

Connection::~Connection() {
  if (phase_ == Phase::body && last_ && !last_->intake) context_.routes.refused(Code::bad_request);
  stream_.reset();
  drop_exchanges();
}

void Connection::drop_exchanges() noexcept {
  while (first_) {
    Exchange& exchange = *first_;
    first_ = exchange.next;
    exchange.next = nullptr;
    exchange.connection = nullptr;
    const bool is_with_routes = exchange.state == Exchange::State::waiting && !exchange.intake;
    if (is_with_routes) continue;  // it goes back when its answer comes
    exchange.intake.reset();       // after this no answer comes
    context_.inbox->remove(exchange);
    context_.exchanges.give_back(exchange);
  }
  last_ = nullptr;
}

// --- Bytes -----------------------------------------------------------------------------------------------------------

void Connection::receive(std::string_view bytes, std::string& out) {
  if (input_.empty()) {
    read(bytes, out);
    return;
  }
  input_ += bytes;
  advance(out);
}

void Connection::receive_end(std::string& out) {
  saw_end_ = true;
  advance(out);
}

void Connection::advance(std::string& out) {
  std::string input = std::move(input_);
  input_ = {};
  read(input, out);
}

void Connection::read(std::string_view bytes, std::string& out) {
  out_ = &out;
  unread_ = &bytes;
  has_more_ = false;
  flush_answers();
  parse(bytes);
  if (phase_ == Phase::stream) fill_stream();
  if (saw_end_ && !is_held_up(bytes)) {
    handle_end();
    bytes = {};
  }
  flush_answers();
  if (!bytes.empty()) {
    input_.assign(bytes);
    if (phase_ == Phase::head && !is_head_begun_) {
      is_head_begun_ = true;
      phase_started_ = context_.now();
    }
  }
  if (ends_when_idle_ && is_idle()) begin_closing(false);
  update_deadline();
  out_ = nullptr;
  unread_ = nullptr;
}

bool Connection::may_read() const noexcept {
  return exchanges_ < pipelined_max && out_->size() < output_bytes_max && !(waits_for_line_ && first_);
}

void Connection::parse(std::string_view& input) {
  bool goes_on = true;
  while (goes_on) {
    if (first_ && first_->state == Exchange::State::written) flush_answers();
    switch (phase_) {
      case Phase::head:
        if (input.empty()) return;
        if (!may_read()) {
          has_more_ = out_->size() >= output_bytes_max;
          return;
        }
        goes_on = read_head(input);
        break;
      case Phase::body:
        goes_on = read_body(input);
        break;
      case Phase::dropping:
        goes_on = drop_body(input);
        break;
      case Phase::stream:
      case Phase::closing:
        // Whatever comes after the last request is never taken for one.
        dropped_bytes_ += input.size();
        input = {};
        return;
    }
  }
}

bool Connection::wants_bytes() const noexcept {
  if (saw_end_) return false;
  switch (phase_) {
    case Phase::head:
      return exchanges_ < pipelined_max && !has_more_ && !(waits_for_line_ && first_);
    case Phase::body:
      return !is_intake_paused_ && !is_memory_short_ && !has_more_;
    case Phase::dropping:
    case Phase::stream:
      return true;
    case Phase::closing:
      return dropped_bytes_ <= context_.settings.linger_bytes_max;
  }
  return true;
}

/// True if what is here can be gone on with later; else it waits for bytes.
bool Connection::is_held_up(std::string_view rest) const noexcept {
  if (has_more_ || is_intake_paused_ || is_memory_short_) return true;
  return phase_ == Phase::head && !rest.empty() && !may_read();
}

void Connection::handle_end() {
  switch (phase_) {
    case Phase::head:
    case Phase::dropping:
      return begin_closing(false);
    case Phase::body:
      return cut_body(Code::bad_request, "the body ended before its length");
    case Phase::stream:
      // A reader that closes its side is gone.
      stream_.reset();
      return begin_closing(false);
    case Phase::closing:
      closes_slowly_ = false;
      return;
  }
}

void Connection::begin_closing(bool is_slow) noexcept {
  phase_ = Phase::closing;
  closes_slowly_ = is_slow && !saw_end_;
  phase_started_ = context_.now();
  dropped_bytes_ = 0;
  encoded_ = {};
  has_encoded_rest_ = is_intake_paused_ = is_intake_resumed_ = is_memory_short_ = false;
}

Connection::After Connection::after() const noexcept {
  if (phase_ != Phase::closing || first_) return After::go_on;
  const bool may_linger = closes_slowly_ && dropped_bytes_ <= context_.settings.linger_bytes_max;
  return may_linger ? After::close_slowly : After::close;
}

// --- The line of answers ---------------------------------------------------------------------------------------------

void Connection::answered(Exchange& exchange, const web::Answer& answer) noexcept {
  try {
    if (first_ == &exchange) {
      write_answer(exchange, answer);
      return;
    }
  } catch (const std::bad_alloc&) {
    exchange.keep({});  // status 0: the connection ends here
    exchange.state = Exchange::State::answered;
    return;
  }
  exchange.keep(answer);
  exchange.state = Exchange::State::answered;
}

void Connection::flush_answers() {
  while (first_) {
    Exchange& exchange = *first_;
    if (exchange.state == Exchange::State::answered) {
      const web::Answer answer = exchange.kept();
      if (answer.status == 0) throw std::bad_alloc();
      write_answer(exchange, answer);
    }
    if (exchange.state != Exchange::State::written) {
      if (exchange.continue_is_due) {
        exchange.continue_is_due = false;
        *out_ += "HTTP/1.1 100 Continue\r\n\r\n";
      }
      return;
    }
    pop_first();
  }
}

void Connection::write_answer(Exchange& exchange, const web::Answer& answer) {
  if (is_last_before_drain(exchange)) {
    exchange.closes = true;
    begin_closing(true);
  }
  append_answer(*out_, context_, exchange, answer);
  exchange.state = Exchange::State::written;
  const bool is_event = exchange.route == web::Route::events || exchange.route == web::Route::account_events;
  if (!is_event) return;
  // The clock that tells when this one ended also tells the next one of the round when it begins.
  context_.tick();
  observe(context_.metrics.request_seconds, context_.now() - exchange.started);
}

bool Connection::is_last_before_drain(const Exchange& exchange) const noexcept {
  const bool is_between = phase_ == Phase::head || phase_ == Phase::dropping;
  return is_draining_ && !exchange.next && is_between && (!unread_ || unread_->empty()) && input_.empty();
}

void Connection::pop_first() noexcept {
  Exchange& exchange = *first_;
  first_ = exchange.next;
  if (!first_) last_ = nullptr;
  --exchanges_;
  context_.exchanges.give_back(exchange);
  if (!first_ && phase_ == Phase::head && !is_head_begun_) phase_started_ = context_.now();
  if (!first_ && phase_ == Phase::closing) phase_started_ = context_.now();
}

void Connection::end_when_idle(std::string_view pending, std::string& out) {
  ends_when_idle_ = true;
  pending.empty() ? advance(out) : receive(pending, out);
}

// --- Time ------------------------------------------------------------------------------------------------------------

void Connection::update_deadline() noexcept {
  const ListenerSettings& settings = context_.settings;
  deadline_ = SteadyTime::max();
  switch (phase_) {
    case Phase::head:
      if (first_ || has_more_) return;  // we are the one who is waited for
      deadline_ = phase_started_ + (input_.empty() && has_served_ ? settings.idle_timeout : settings.head_timeout);
      return;
    case Phase::body:
      if (is_memory_short_) {
        deadline_ = context_.now() + memory_retry;
      } else if (!is_intake_paused_ && !has_more_) {
        deadline_ = body_kind_ == web::BodyKind::ndjson ? progress_at_ + settings.ndjson_idle_timeout
                                                        : phase_started_ + settings.body_timeout;
      }
      return;
    case Phase::closing:
      if (first_) return;
      [[fallthrough]];
    case Phase::dropping:
      deadline_ = phase_started_ + settings.linger;
      return;
    case Phase::stream:
      deadline_ = written_at_ + settings.heartbeat;
      return;
  }
}

void Connection::expire(std::string& out) {
  out_ = &out;
  switch (phase_) {
    case Phase::head:
      if (input_.empty()) {
        begin_closing(false);
      } else {
        refuse_head(Code::request_timeout, "the head took too long", input_);
      }
      break;
    case Phase::body:
      expire_body();
      break;
    case Phase::dropping:
      begin_closing(false);
      break;
    case Phase::stream:
      stream_->append_heartbeat(out, is_stream_chunked_);
      written_at_ = context_.now();
      break;
    case Phase::closing:
      closes_slowly_ = false;
      break;
  }
  flush_answers();
  update_deadline();
  out_ = nullptr;
}

void Connection::expire_body() {
  if (!is_memory_short_) return cut_body(Code::request_timeout, "the body took too long");
  reserve(*last_);
  if (!is_memory_short_) {
    // Its own delay is not the client's.
    phase_started_ += context_.now() - memory_short_at_;
    progress_at_ = context_.now();
    transport_.wake();
  } else if (context_.now() - memory_short_at_ > memory_patience) {
    is_memory_short_ = false;
    cut_body(Code::overloaded, "there is no memory for the body at present");
  }
}

// --- The stream ------------------------------------------------------------------------------------------------------

void Connection::prefetch() const noexcept {
  constexpr std::size_t before_bytes = 192;
  constexpr std::size_t behind_bytes = 128;
  httpd::prefetch(reinterpret_cast<const char*>(this) - before_bytes, before_bytes + sizeof *this + behind_bytes);
}

void Connection::fill_stream() {
  if (!out_->empty() && out_->size() >= EventStream::fill_bytes) {
    has_more_ = true;
    return;
  }
  const std::size_t before = out_->size();
  const auto state = stream_->fill(*out_, is_stream_chunked_);
  if (out_->size() != before) written_at_ = context_.now();
  has_more_ = state == EventStream::State::more;
  if (state == EventStream::State::ended || (is_stream_ending_ && !has_more_)) {
    stream_->append_end(*out_, is_stream_chunked_, state);
    stream_.reset();
    begin_closing(false);
  }
}

void Connection::end_stream(std::string& out, bool is_output_sent) {
  is_stream_ending_ = true;
  if (is_output_sent) advance(out);
}

}  // namespace tracking::httpd
