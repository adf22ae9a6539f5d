#include "http/sender.h"

#include "codec/no_memory.h"
#include "http/receipts.h"
#include "http/request_body.h"

#include <optional>

namespace tracking::remote {
namespace {

// A request is parsed whole before its first event counts: large enough to spread its cost, small enough not to delay.
constexpr std::size_t request_events_max = 1'000;
constexpr std::size_t request_bytes_max = 1u << 20;
constexpr std::size_t bytes_beside_data = 200;  // of an event: braces, names, id and times

Request request_of(std::string body, AckLevel ack) {
  std::string path = "/v1/events";
  if (ack != AckLevel::broker_default) path.append("?ack=").append(name(ack));
  return {.method = "POST", .path = std::move(path), .body = std::move(body), .content_type = "application/json"};
}

void fail(std::span<const Sender::Item> items, Code code) noexcept {
  for (const auto& item : items) {
    Receipt& receipt = item.call->receipt(item.index);
    receipt.code = code;
    if (code != Code::in_doubt) receipt.id.clear();
  }
}

}  // namespace

void TrackCall::finish_one(TrackCall* call) noexcept {
  if (call->open_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const std::unique_ptr<TrackCall> owned(call);
  call->done_(call->receipts_);
}

bool Backlog::enter(std::size_t events) {
  const std::lock_guard lock(mutex_);
  if (events > events_max_ - events_) return false;
  events_ += events;
  return true;
}

void Backlog::leave(std::size_t events) {
  {
    const std::lock_guard lock(mutex_);
    events_ -= events;
    if (events_ > 0) return;
  }
  emptied_.notify_all();
}

std::size_t Backlog::size() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

bool Backlog::wait_empty(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return emptied_.wait_for(lock, time, [this] { return events_ == 0; });
}

Sender::Sender(const Endpoint& endpoint, Clock& clock, Backlog& backlog, ReadinessMonitor& readiness)
    : clock_(clock),
      backlog_(backlog),
      readiness_(readiness),
      connection_(endpoint.events,
                  {.connect_timeout = endpoint.connect_timeout, .read_timeout = endpoint.answer_timeout},
                  [this] { return is_running(); }) {
  items_.reserve(request_events_max);
  thread_ = std::thread([this] { run(); });
}

Sender::~Sender() { stop(); }

bool Sender::is_running() {
  const std::lock_guard lock(mutex_);
  return !is_stopping_;
}

void Sender::add(std::span<const Item> items) noexcept {
  Code refusal = Code::closed;
  {
    const std::lock_guard lock(mutex_);
    if (!is_stopping_) {
      // At the end of a deque: all or nothing.
      if (has_memory_for([&] { queue_.insert(queue_.end(), items.begin(), items.end()); })) {
        changed_.notify_one();
        return;
      }
      refusal = Code::overloaded;
    }
  }
  refuse(items, refusal);
}

void Sender::refuse(std::span<const Item> items, Code code) noexcept {
  fail(items, code);
  finish(items);
}

void Sender::stop() noexcept {
  std::unique_lock lock(mutex_);
  is_stopping_ = true;
  lock.unlock();
  changed_.notify_all();
  connection_.interrupt();
  if (thread_.joinable()) thread_.join();
  for (lock.lock(); !queue_.empty(); lock.lock()) {
    const Item item = queue_.front();
    queue_.pop_front();
    lock.unlock();
    refuse(std::span(&item, 1), Code::closed);
  }
}

void Sender::run() {
  while (take()) {
    send(items_);
    finish(items_);
  }
}

// Waits for items and takes as many as go into one request. False: it is over.
bool Sender::take() {
  items_.clear();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return is_stopping_ || !queue_.empty(); });
  if (is_stopping_) return false;
  std::size_t bytes = 0;
  while (!queue_.empty() && items_.size() < request_events_max && bytes < request_bytes_max) {
    const Item& item = queue_.front();
    if (!items_.empty() && item.call->ack() != items_.front().call->ack()) break;
    bytes += item.call->event(item.index).data.json().size() + bytes_beside_data;
    items_.push_back(item);
    queue_.pop_front();
  }
  return true;
}

// With an id of its own an event whose answer was lost can be repeated without doubling it.
void Sender::make_id(const Item& item) {
  const auto given = item.call->event(item.index).id;
  item.call->receipt(item.index).id = given.empty() ? ids_.make(clock_.now()) : EventId(given);
}

Answer Sender::exchange(Request request) noexcept {
  Answer answer = connection_.exchange(std::move(request));
  has_memory_for([&] { readiness_.note(answer); });  // the next answer is noted, too
  return answer;
}

// Without memory for a request nothing was accepted; without memory to read its answer, nobody knows.
void Sender::send_one(const Item& item) noexcept {
  const std::span<const Item> items(&item, 1);
  Receipt& receipt = item.call->receipt(item.index);
  std::optional<Request> request;
  const bool is_written = has_memory_for([&] {
    make_id(item);
    std::string body;
    append_event(body, item.call->event(item.index), receipt.id);
    request = request_of(std::move(body), item.call->ack());
  });
  if (!is_written) return fail(items, Code::overloaded);
  const Answer answer = exchange(std::move(*request));
  if (!has_memory_for([&] { read_receipt(answer, receipt); })) fail(items, Code::in_doubt);
}

void Sender::send(std::span<const Item> items) noexcept {
  if (items.size() == 1) return send_one(items.front());
  std::optional<Request> request;
  std::vector<Receipt*> receipts;
  const bool is_written = has_memory_for([&] {
    std::string body = "[";
    for (const Item& item : items) {
      make_id(item);
      Receipt& receipt = item.call->receipt(item.index);
      if (!receipts.empty()) body.push_back(',');
      append_event(body, item.call->event(item.index), receipt.id);
      receipts.push_back(&receipt);
    }
    body.push_back(']');
    request = request_of(std::move(body), items.front().call->ack());
  });
  if (!is_written) return fail(items, Code::overloaded);
  const Answer answer = exchange(std::move(*request));
  bool is_read = false;
  if (!has_memory_for([&] { is_read = read_receipts(answer, receipts); })) return fail(items, Code::in_doubt);
  if (is_read) return;
  for (const Item& item : items) send_one(item);
}

void Sender::finish(std::span<const Item> items) noexcept {
  for (const Item& item : items) TrackCall::finish_one(item.call);
  backlog_.leave(items.size());
}

}  // namespace tracking::remote
