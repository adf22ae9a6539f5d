#include "http/sender.h"

#include "http/receipts.h"
#include "http/request_body.h"

namespace tracking::remote {
namespace {

// A request is parsed whole before its first event counts: large enough to spread its cost, small enough not to delay.
constexpr std::size_t request_events_max = 1'000;
constexpr std::size_t request_bytes_max = 1u << 20;
constexpr std::size_t bytes_beside_data = 200;  // of an event: braces, names, id and times

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
                  [this] { return is_running(); }),
      thread_([this] { run(); }) {}

Sender::~Sender() { stop(); }

bool Sender::is_running() {
  const std::lock_guard lock(mutex_);
  return !is_stopping_;
}

void Sender::add(std::span<const Item> items) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_stopping_) {
      queue_.insert(queue_.end(), items.begin(), items.end());
      changed_.notify_one();
      return;
    }
  }
  refuse(items);
}

void Sender::refuse(std::span<const Item> items) {
  for (const Item& item : items) item.call->receipt(item.index).code = Code::closed;
  finish(items);
}

void Sender::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  connection_.interrupt();
  if (thread_.joinable()) thread_.join();
  std::vector<Item> rest;
  {
    const std::lock_guard lock(mutex_);
    rest.assign(queue_.begin(), queue_.end());
    queue_.clear();
  }
  refuse(rest);
}

void Sender::run() {
  std::vector<Item> items;
  while (take(items)) {
    send(items);
    finish(items);
  }
}

// Waits for items and takes as many as go into one request. False: it is over.
bool Sender::take(std::vector<Item>& items) {
  items.clear();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return is_stopping_ || !queue_.empty(); });
  if (is_stopping_) return false;
  std::size_t bytes = 0;
  while (!queue_.empty() && items.size() < request_events_max && bytes < request_bytes_max) {
    const Item& item = queue_.front();
    if (!items.empty() && item.call->ack() != items.front().call->ack()) break;
    bytes += item.call->event(item.index).data.json().size() + bytes_beside_data;
    items.push_back(item);
    queue_.pop_front();
  }
  return true;
}

// With an id of its own an event whose answer was lost can be repeated without doubling it.
void Sender::make_id(const Item& item) {
  const auto given = item.call->event(item.index).id;
  item.call->receipt(item.index).id = given.empty() ? ids_.make(clock_.now()) : EventId(given);
}

Answer Sender::post(std::string body, AckLevel ack) {
  std::string path = "/v1/events";
  if (ack != AckLevel::broker_default) path.append("?ack=").append(name(ack));
  Answer answer = connection_.exchange(
      {.method = "POST", .path = std::move(path), .body = std::move(body), .content_type = "application/json"});
  readiness_.note(answer);
  return answer;
}

void Sender::send_one(const Item& item) {
  make_id(item);
  Receipt& receipt = item.call->receipt(item.index);
  std::string body;
  append_event(body, item.call->event(item.index), receipt.id);
  read_receipt(post(std::move(body), item.call->ack()), receipt);
}

void Sender::send(std::span<const Item> items) {
  if (items.size() == 1) return send_one(items.front());
  std::string body = "[";
  std::vector<Receipt*> receipts;
  for (const Item& item : items) {
    make_id(item);
    Receipt& receipt = item.call->receipt(item.index);
    if (!receipts.empty()) body.push_back(',');
    append_event(body, item.call->event(item.index), receipt.id);
    receipts.push_back(&receipt);
  }
  body.push_back(']');
  if (read_receipts(post(std::move(body), items.front().call->ack()), receipts)) return;
  for (const Item& item : items) send_one(item);
}

void Sender::finish(std::span<const Item> items) {
  for (const Item& item : items) TrackCall::finish_one(item.call);
  backlog_.leave(items.size());
}

}  // namespace tracking::remote
