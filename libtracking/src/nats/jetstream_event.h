// Messages of the stream as events.
#pragma once

#include <tracking/broker.h>

#include <atomic>
#include <optional>
#include <string>
#include <string_view>

namespace tracking::jetstream {

/// Tells events from what else is in the stream, and counts the latter. Thread-safe.
class EventReader {
 public:
  explicit EventReader(const std::string& prefix) : prefix_(prefix + '.') {}

  /// The event; nothing if it is none of ours: no event line, or of another account than its subject says. Views of
  /// the payload.
  std::optional<Line> read(std::string_view subject, std::string_view payload) noexcept;

  /// The subject of an account's events.
  std::string subject(AccountId account_id) const { return prefix_ + std::to_string(account_id); }
  std::uint64_t skipped() const noexcept { return skipped_.load(std::memory_order_relaxed); }

 private:
  const std::string prefix_;
  std::atomic<std::uint64_t> skipped_{0};
};

}  // namespace tracking::jetstream
