// Deliveries and Delivery: what subscriptions fill and what subscribers hand out.
#include <tracking/subscriber.h>
#include <tracking/subscription.h>

#include <cstring>

namespace tracking {

Subscription::~Subscription() = default;
Status Subscription::status() const { return {}; }

Deliveries::Deliveries() = default;
Deliveries::~Deliveries() = default;
Deliveries::Deliveries(Deliveries&&) noexcept = default;
Deliveries& Deliveries::operator=(Deliveries&&) noexcept = default;

void Deliveries::clear() noexcept {
  items_.clear();
  keep_.clear();
  gaps_.clear();
  texts_.clear();
}

void Deliveries::add_gap(Gap gap, const Cursor& cursor, std::string_view cursor_text) {
  gaps_.push_back(std::move(gap));
  items_.push_back(
      {.cursor = cursor, .cursor_text = cursor_text.empty() ? cursor_text : copy(cursor_text), .gap = &gaps_.back()});
}

std::string_view Deliveries::copy(std::string_view text) { return texts_.emplace_back(text); }

Delivery::Delivery(const DeliveryView& view) : cursor_(view.cursor), cursor_text_(view.cursor_text) {
  const std::string gap_json = view.gap ? to_json(*view.gap) : std::string();
  const std::string_view json = view.gap ? std::string_view(gap_json) : view.json;
  bytes_ = std::make_unique<char[]>(json.size());
  std::memcpy(bytes_.get(), json.data(), json.size());
  json_ = {bytes_.get(), json.size()};
  if (view.gap) {
    gap_ = *view.gap;
  } else if (auto fields = parse_event_line(json_)) {
    event_ = *fields;
  }
}

std::string Delivery::cursor() const {
  return tracking::cursor_text(
      {.json = gap_ ? std::string_view() : json_, .cursor = cursor_, .cursor_text = cursor_text_});
}

}  // namespace tracking
