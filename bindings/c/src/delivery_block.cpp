#include "delivery_block.h"

#include <cstring>
#include <stdexcept>

namespace tracking::c {
namespace {

// to_text(Cursor) writes 50 bytes; cursors from a distance bring their own size.
constexpr std::size_t own_cursor_bytes_max = 64;

std::size_t bytes_max(const DeliveryView& view) {
  const std::size_t json = view.gap ? to_json(*view.gap).size() : view.json.size();
  return json + 1 + std::max(view.cursor_text.size(), own_cursor_bytes_max) + 1;
}

void set_event(tracking_delivery& out, const EventFields& event) {
  out.data = event.data.data();
  out.data_size = event.data.size();
  out.id = event.id.data();
  out.id_size = event.id.size();
  out.producer = event.producer.data();
  out.producer_size = event.producer.size();
  out.account_id = event.account_id;
  out.timestamp_us = event.timestamp.time_since_epoch().count();
  out.sequence = event.sequence;
  if (event.occurred_at) {
    out.occurred_at_us = event.occurred_at->time_since_epoch().count();
    out.flags |= TRACKING_DELIVERY_HAS_OCCURRED_AT;
  }
}

void set_gap(tracking_delivery& out, const Gap& gap, std::string_view json) {
  out.flags |= TRACKING_DELIVERY_GAP;
  // A reason is a plain word, so it stands in the text as it is.
  if (const auto at = json.find(gap.reason); at != std::string_view::npos) {
    out.reason = json.data() + at;
    out.reason_size = gap.reason.size();
  }
  if (gap.missed) {
    out.missed = *gap.missed;
    out.flags |= TRACKING_DELIVERY_HAS_MISSED;
  }
  if (gap.account_id) out.account_id = *gap.account_id;
}

}  // namespace

void DeliveryBlock::clear() noexcept {
  text_.clear();
  items_.clear();
}

void DeliveryBlock::fill(const Deliveries& deliveries) try {
  clear();
  std::size_t bytes = 0;
  for (const auto& view : deliveries) bytes += bytes_max(view);
  text_.reserve(bytes);
  items_.reserve(deliveries.size());
  for (const auto& view : deliveries) add(view);
} catch (...) {
  clear();
  throw;
}

// Everything points into the text, which has its room already and does not move.
void DeliveryBlock::add(const DeliveryView& view) {
  const auto append = [this](std::string_view part) {
    if (text_.size() + part.size() + 1 > text_.capacity()) throw std::length_error("a cursor is longer than expected");
    const char* const begin = text_.data() + text_.size();
    text_.append(part) += '\n';
    return std::string_view(begin, part.size());
  };
  tracking_delivery& out = items_.emplace_back();
  DeliveryView known = view;
  std::string_view json;
  if (view.gap) {
    json = append(to_json(*view.gap));
    set_gap(out, *view.gap, json);
  } else {
    json = append(view.json);
    if (const auto event = parse_event_line(json)) {
      set_event(out, *event);
      // The cursor of an event has its id in it; known here, the line is not read a second time for it.
      if (known.cursor.id_hash == 0) known.cursor.id_hash = hash_id(event->id);
    }
  }
  const auto cursor = append(cursor_text(known));
  out.json = json.data();
  out.json_size = json.size();
  out.cursor = cursor.data();
  out.cursor_size = cursor.size();
}

tracking_deliveries DeliveryBlock::slice(std::size_t begin, std::size_t count) const noexcept {
  const tracking_delivery& first = items_[begin];
  const tracking_delivery& last = items_[begin + count - 1];
  return {.items = &first,
          .count = count,
          .text = first.json,
          .text_size = static_cast<std::size_t>(last.cursor + last.cursor_size + 1 - first.json)};
}

}  // namespace tracking::c
