#include "track_answer.h"

#include "codec/rfc3339.h"
#include "common/text.h"

#include <algorithm>

namespace tracking::cli {
namespace {

constexpr std::size_t listed_max = 100;

void append_text(std::string& json, std::string_view name, std::string_view text) {
  json.append(json.back() == '{' ? "\"" : ",\"").append(name).append("\":");
  apps::append_json_string(json, text);
}

void append_number(std::string& json, std::string_view name, std::uint64_t number) {
  json.append(json.back() == '{' ? "\"" : ",\"").append(name).append("\":").append(std::to_string(number));
}

}  // namespace

std::string to_json(const Receipt& receipt) {
  std::string json = "{";
  append_text(json, "id", receipt.id);
  if (receipt.timestamp != Timestamp{}) {
    char time[codec::rfc3339_size];
    codec::write_rfc3339(time, receipt.timestamp);
    append_text(json, "timestamp", {time, sizeof time});
  }
  append_text(json, "ack", name(receipt.ack));
  if (receipt.duplicate) json.append(",\"duplicate\":true");
  return json.append("}");
}

void BatchSummary::accept(const Receipt& receipt) {
  ++accepted_;
  if (receipt.duplicate) ++duplicates_;
  ack_ = ack_ ? std::min(*ack_, receipt.ack) : receipt.ack;
}

void BatchSummary::reject(std::uint64_t index, Code code, const std::string& detail) {
  ++rejected_;
  ++rejected_by_code_[code];
  if (listed_.size() < listed_max) listed_.push_back({index, code, detail});
}

void BatchSummary::stop(std::uint64_t index, Code code) {
  if (stopped_at_ && *stopped_at_ <= index) return;
  stopped_at_ = index;
  stopped_by_ = code;
}

std::string BatchSummary::json() const {
  std::string json = "{";
  append_number(json, "accepted", accepted_);
  if (duplicates_ > 0) append_number(json, "duplicates", duplicates_);
  json.append(",\"rejected\":[");
  for (const Rejection& rejection : listed_) {
    json.append(json.back() == '[' ? "{" : ",{");
    append_number(json, "index", rejection.index);
    append_number(json, "status", static_cast<std::uint64_t>(http_status(rejection.code)));
    append_text(json, "type", name(rejection.code));
    append_text(json, "detail", rejection.detail);
    json.append("}");
  }
  json.append("]");
  if (rejected_ > listed_.size()) {
    append_number(json, "rejected_total", rejected_);
    json.append(",\"rejected_by_type\":{");
    for (const auto& [code, count] : rejected_by_code_) append_number(json, name(code), count);
    json.append("}");
  }
  if (stopped_at_) {
    append_number(json, "stopped_at", *stopped_at_);
    append_text(json, "type", name(stopped_by_));
  }
  if (ack_) append_text(json, "ack", name(*ack_));
  return json.append("}");
}

}  // namespace tracking::cli
