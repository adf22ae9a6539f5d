#include "batch.h"

#include <algorithm>
#include <cstring>

#include "boundary.h"
#include "engine/event_fault.h"

namespace tracking::c {
namespace {

// Years 0000 to 9999, which is what RFC 3339 can say.
constexpr std::int64_t time_us_min = -62'167'219'200'000'000;
constexpr std::int64_t time_us_max = 253'402'300'799'999'999;

Status wrong_event(std::size_t index, std::string_view what) {
  return {Code::invalid_parameter, "event " + std::to_string(index) + ": " + std::string(what)};
}

Status too_many(std::size_t events_max) {
  return {Code::invalid_parameter,
          "there are more events than room for their receipts (" + std::to_string(events_max) + ")"};
}

tracking_receipt written(const Receipt& receipt) noexcept {
  tracking_receipt out{};
  out.code = to_c(receipt.code);
  out.ack = static_cast<std::uint8_t>(receipt.ack);
  out.duplicate = receipt.duplicate ? 1 : 0;
  out.timestamp_us = receipt.timestamp.time_since_epoch().count();
  const std::string_view id = receipt.id;
  out.id_size = static_cast<std::uint8_t>(id.size());
  if (!id.empty()) std::memcpy(out.id, id.data(), id.size());
  return out;
}

// There are none at all if there was no memory for them.
Receipt receipt_of(std::span<const Receipt> arrived, std::size_t index) noexcept {
  if (index < arrived.size()) return arrived[index];
  Receipt refused;
  refused.code = Code::overloaded;
  return refused;
}

}  // namespace

Status Batch::read(const tracking_batch& batch, std::size_t events_max, std::size_t data_bytes_max) {
  if (batch.ack < TRACKING_ACK_DEFAULT || batch.ack > TRACKING_ACK_STORED) {
    return {Code::invalid_parameter, "ack must be one of TRACKING_ACK_DEFAULT, _SENT and _STORED"};
  }
  if ((batch.flags & ~std::uint32_t{TRACKING_STOPS_AT_FAILURE}) != 0) {
    return {Code::invalid_parameter, "flags of the batch has bits that this version does not know"};
  }
  options_.ack = static_cast<AckLevel>(batch.ack);
  options_.stops_at_failure = (batch.flags & TRACKING_STOPS_AT_FAILURE) != 0;
  if (batch.events || batch.count > 0) return read_events(batch, events_max);

  text_.assign(view(batch.json, batch.json_size));
  const auto first = text_.find_first_not_of(" \t\r\n");
  const bool is_array = first != std::string::npos && text_[first] == '[';
  auto status = is_array ? read_array(events_max, data_bytes_max) : read_lines(events_max, data_bytes_max);
  if (!status) return status;
  events_.reserve(elements_.size());
  for (const auto& element : elements_) {
    if (element.fault.code == Code::ok) events_.push_back(element.event);
  }
  return {};
}

Status Batch::read_events(const tracking_batch& batch, std::size_t events_max) {
  if (!batch.events) return {Code::invalid_parameter, "count is set, but events is NULL"};
  if (batch.count > events_max) return too_many(events_max);
  constexpr std::uint32_t known_flags = TRACKING_EVENT_HAS_OCCURRED_AT | TRACKING_EVENT_TRUSTED;
  events_.resize(batch.count);
  for (std::size_t i = 0; i < batch.count; ++i) {
    const tracking_event& given = batch.events[i];
    if ((given.flags & ~known_flags) != 0 || given.reserved != 0) {
      return wrong_event(i, "flags has bits that this version does not know, or the structure was not zeroed");
    }
    Event& event = events_[i];
    event.account_id = given.account_id;
    const auto data = view(given.data, given.data_size);
    event.data = (given.flags & TRACKING_EVENT_TRUSTED) != 0 ? Data::trusted(data) : Data(data);
    event.id = view(given.id, given.id_size);
    if ((given.flags & TRACKING_EVENT_HAS_OCCURRED_AT) != 0) {
      if (given.occurred_at_us < time_us_min || given.occurred_at_us > time_us_max) {
        return wrong_event(i, "occurred_at_us is outside of the years 0000 to 9999");
      }
      event.occurred_at = Timestamp(std::chrono::microseconds(given.occurred_at_us));
    }
  }
  return {};
}

Status Batch::read_array(std::size_t events_max, std::size_t data_bytes_max) {
  codec::DecodeFault fault;
  if (codec::decode_event_array(text_.data(), text_.size(), data_bytes_max, events_max, elements_, fault)) return {};
  return fault.code == Code::too_large ? too_many(events_max) : Status(fault.code, fault.detail());
}

Status Batch::read_lines(std::size_t events_max, std::size_t data_bytes_max) {
  for (std::size_t begin = 0; begin < text_.size();) {
    const std::size_t end = std::min(text_.find('\n', begin), text_.size());
    const std::string_view line(text_.data() + begin, end - begin);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) {
      if (elements_.size() == events_max) return too_many(events_max);
      auto& element = elements_.emplace_back();
      codec::decode_event(text_.data() + begin, line.size(), data_bytes_max, element.event, element.fault);
    }
    begin = end + 1;
  }
  return {};
}

void Batch::write(std::span<const Receipt> arrived, tracking_receipt* receipts) const noexcept {
  std::size_t next = 0;
  for (std::size_t i = 0; i < size(); ++i) {
    if (elements_.empty() || elements_[i].fault.code == Code::ok) {
      receipts[i] = written(receipt_of(arrived, next++));
    } else {
      receipts[i] = {};
      receipts[i].code = to_c(elements_[i].fault.code);
    }
  }
}

Status Batch::first_failure(std::span<const Receipt> arrived, std::size_t data_bytes_max) const {
  std::size_t handed_over = 0;
  for (std::size_t i = 0; i < size(); ++i) {
    const bool is_event = elements_.empty() || elements_[i].fault.code == Code::ok;
    const Code code = is_event ? receipt_of(arrived, handed_over).code : elements_[i].fault.code;
    if (code == Code::ok) {
      ++handed_over;
      continue;
    }
    const std::string which = size() > 1 ? "event " + std::to_string(i) + ": " : "";
    return {code, which + (is_event ? engine::describe(events_[handed_over], code, data_bytes_max)
                                    : elements_[i].fault.detail())};
  }
  return {};
}

}  // namespace tracking::c
