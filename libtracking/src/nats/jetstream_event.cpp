#include "nats/jetstream_event.h"

#include <charconv>

namespace tracking::jetstream {

std::optional<Line> EventReader::read(std::string_view subject, std::string_view payload) noexcept {
  AccountId account_id = 0;
  const char* const end = subject.data() + subject.size();
  const bool is_in_subject =
      subject.starts_with(prefix_) && std::from_chars(subject.data() + prefix_.size(), end, account_id).ptr == end;
  const auto fields = is_in_subject ? parse_event_line(payload) : std::nullopt;
  if (!fields || fields->account_id != account_id) {
    skipped_.fetch_add(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  return Line{.json = payload,
              .account_id = account_id,
              .id = fields->id,
              .timestamp = fields->timestamp,
              .sequence = fields->sequence};
}

}  // namespace tracking::jetstream
