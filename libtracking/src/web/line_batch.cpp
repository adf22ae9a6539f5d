#include "web/line_batch.h"

#include "web/problem.h"

namespace tracking::web {

void LineBatch::clear() noexcept {
  text_.clear();
  lines_.clear();
  elements_.clear();
  events_.clear();
  outcomes_.clear();
  doubtful_id_.clear();
  owner.reset();
  is_done = false;
}

void LineBatch::add_line(std::string_view line) {
  lines_.push_back({text_.size(), line.size()});
  text_ += line;
}

void LineBatch::add_oversized_line() { lines_.push_back({0, oversized}); }

void LineBatch::reserve() {
  elements_.resize(lines_.size());
  events_.reserve(lines_.size());
  outcomes_.reserve(lines_.size());
}

void LineBatch::decode(std::size_t data_bytes_max, Ledger& ledger) noexcept {
  ledger.received(lines_.size());
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    const Line line = lines_[i];
    codec::ArrayElement& element = elements_[i];
    element = {};
    if (line.size == oversized) {
      element.fault = {.code = Code::too_large, .what = "the line is longer than an event may be"};
    } else {
      codec::decode_event(text_.data() + line.offset, line.size, data_bytes_max, element.event, element.fault);
    }
    if (element.fault.code == Code::ok) {
      events_.push_back(element.event);
    } else {
      ledger.ended(element.fault.code);
    }
  }
}

void LineBatch::keep(std::span<const Receipt> receipts, Ledger& ledger) noexcept {
  if (receipts.size() < events_.size()) {  // no memory for receipts: nothing was accepted
    ledger.ended(Code::overloaded, events_.size());
    outcomes_.assign(events_.size(), {Code::overloaded, AckLevel::broker_default, false});
    return;
  }
  count_ended(ledger, receipts);
  for (const Receipt& receipt : receipts) {
    const Code code = told_code(receipt.code);
    outcomes_.push_back({code, receipt.ack, receipt.duplicate});  // reserve() made room
    if (code == Code::in_doubt && doubtful_id_.empty()) {
      doubtful_id_ = receipt.id;
      doubtful_timestamp_ = receipt.timestamp;
    }
  }
}

void LineBatch::fold_into(BatchReport& report) const noexcept {
  std::size_t event = 0;
  for (const codec::ArrayElement& element : elements_) {
    if (element.fault.code != Code::ok) {
      report.add(element.fault);
      continue;
    }
    const Outcome outcome = outcomes_[event];
    Receipt receipt;
    receipt.code = outcome.code;
    receipt.ack = outcome.ack;
    receipt.duplicate = outcome.duplicate;
    if (outcome.code == Code::in_doubt) {  // the first of them is all that is told
      receipt.id = doubtful_id_;
      receipt.timestamp = doubtful_timestamp_;
    }
    report.add(receipt, events_[event].account_id);
    ++event;
  }
}

std::unique_ptr<LineBatch> LineBatchPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      auto batch = std::move(free_.back());
      free_.pop_back();
      return batch;
    }
  }
  return std::make_unique<LineBatch>();
}

void LineBatchPool::give_back(std::unique_ptr<LineBatch> batch) noexcept {
  batch->clear();
  if (batch->bytes_reserved() > kept_bytes_max) return;
  const std::lock_guard lock(mutex_);
  if (free_.size() >= kept_max) return;
  try {
    free_.push_back(std::move(batch));
  } catch (const std::bad_alloc&) {  // then it is freed, which is as good
  }
}

}  // namespace tracking::web
