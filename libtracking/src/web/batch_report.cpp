#include "web/batch_report.h"

#include <algorithm>

#include "web/problem.h"
#include "web/text.h"

namespace tracking::web {

void BatchReport::clear(std::size_t listed_max) noexcept {
  std::string listed = std::move(listed_);
  std::string detail = std::move(detail_);
  listed.clear();
  detail.clear();
  *this = BatchReport(listed_max);
  listed_ = std::move(listed);
  detail_ = std::move(detail);
}

void BatchReport::add(const Receipt& receipt, AccountId account_id) noexcept {
  if (is_stopped()) {
    later_may_be_stored_ |= receipt.code == Code::ok || receipt.code == Code::in_doubt;
    return;
  }
  if (receipt.code == Code::ok) {
    ++events_;
    ++accepted_;
    duplicates_ += receipt.duplicate ? 1 : 0;
    weakest_ack_ = accepted_ == 1 ? receipt.ack : std::min(weakest_ack_, receipt.ack);
  } else if (http_status(receipt.code) < 500) {
    reject(receipt.code, [&] {
      detail_.clear();
      append_receipt_detail(detail_, receipt.code, account_id);
      return std::string_view(detail_);
    });
  } else {
    stop(receipt.code);
    if (receipt.code != Code::in_doubt) return;
    stopped_id_ = receipt.id;
    stopped_timestamp_ = receipt.timestamp;
  }
}

void BatchReport::add(const codec::DecodeFault& fault) noexcept {
  if (!is_stopped()) reject(fault.code, [&] { return fault.detail(); });
}

void BatchReport::stop(Code code) noexcept {
  if (!is_stopped()) stopped_code_ = code;
}

template <class Detail>
void BatchReport::reject(Code code, const Detail& detail) noexcept {
  if (rejected_ < listed_max_) {
    const std::size_t listed_before = listed_.size();
    try {
      list(code, detail());
    } catch (const std::bad_alloc&) {
      listed_.resize(listed_before);
      listed_max_ = rejected_;
    }
  }
  ++events_;
  ++rejected_;
  ++rejected_by_code_[static_cast<std::size_t>(code)];
}

void BatchReport::list(Code code, std::string_view detail) {
  listed_ += listed_.empty() ? "{\"index\":" : ",{\"index\":";
  append_number(listed_, events_);
  listed_ += ",\"status\":";
  append_number(listed_, static_cast<std::uint64_t>(http_status(code)));
  listed_.append(",\"type\":\"").append(name(code)).append("\",\"detail\":");
  codec::append_json_string(listed_, detail);
  listed_ += '}';
}

Code BatchReport::stop_type() const noexcept {
  // A 503 promises that nothing was accepted. If an event behind the stop was, only "in doubt" is true.
  return accepted_ == 0 && later_may_be_stored_ ? Code::in_doubt : stopped_code_;
}

int BatchReport::status() const noexcept {
  if (accepted_ > 0) return 202;
  if (is_stopped()) return http_status(stop_type());
  return events_ == 0 ? 202 : 422;
}

void BatchReport::append_json(std::string& out, AckLevel ack) const {
  out += "{\"accepted\":";
  append_number(out, accepted_);
  out.append(",\"rejected\":[").append(listed_).append("],\"ack\":\"");
  out.append(name(accepted_ > 0 ? weakest_ack_ : ack)).append("\"");
  if (duplicates_ > 0) {
    out += ",\"duplicates\":";
    append_number(out, duplicates_);
  }
  if (rejected_ > listed_max_) {
    out += ",\"rejected_total\":";
    append_number(out, rejected_);
    out += ",\"rejected_by_type\":{";
    for (int code = 0; code < code_count; ++code) {
      if (rejected_by_code_[code] == 0) continue;
      if (out.back() != '{') out += ',';
      out.append("\"").append(name(static_cast<Code>(code))).append("\":");
      append_number(out, rejected_by_code_[code]);
    }
    out += '}';
  }
  if (is_stopped()) {
    out += ",\"stopped_at\":";
    append_number(out, events_);
    out.append(",\"type\":\"").append(name(stop_type())).append("\"");
    if (!stopped_id_.empty()) {
      out.append(",\"id\":\"").append(stopped_id_.view()).append("\",\"timestamp\":\"");
      append_time(out, stopped_timestamp_);
      out += '"';
    }
  }
  if (is_incomplete_) out += ",\"incomplete\":true";
  out += '}';
}

}  // namespace tracking::web
