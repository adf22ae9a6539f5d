#include "log_limit.h"

namespace tracking::apps {
namespace {

constexpr std::size_t message_bytes_max = 200;  // of a held message that is told later

/// FNV-1a over the level and the text without its digits, so that "account 17" and "account 18" are one kind. Never 0.
std::uint64_t kind_key(std::string_view message, unsigned level) noexcept {
  std::uint64_t hash = 14695981039346656037ull ^ level;
  for (const char character : message) {
    if (character >= '0' && character <= '9') continue;
    hash = (hash ^ static_cast<unsigned char>(character)) * 1099511628211ull;
  }
  return hash == 0 ? 1 : hash;
}

}  // namespace

LogLimit::Kind& LogLimit::kind_of(std::uint64_t key, std::chrono::nanoseconds now) {
  Kind* oldest = nullptr;
  for (auto& kind : kinds_) {
    if (kind.key == key) return kind;
    // A kind that still has something to tell keeps its place as long as others can give theirs.
    const bool is_better = !oldest || (oldest->held > 0 && kind.held == 0) ||
                           ((oldest->held > 0) == (kind.held > 0) && kind.start < oldest->start);
    if (is_better) oldest = &kind;
  }
  const auto untold = oldest->held;
  *oldest = Kind{};
  oldest->key = key;
  oldest->start = now;
  waiting_ -= untold;
  return *oldest;
}

void LogLimit::hold(Kind& kind, std::string_view message) {
  if (kind.held++ == 0) kind.message.assign(message.substr(0, message_bytes_max));
  ++waiting_;
  ++held_total_;
}

bool LogLimit::admit(std::string_view message, unsigned level, std::chrono::nanoseconds now) {
  if (now - second_start_ >= std::chrono::seconds(1)) {
    second_start_ = now;
    passed_this_second_ = 0;
  }
  auto& kind = kind_of(kind_key(message, level), now);
  if (now - kind.start >= settings_.window && kind.held == 0) {
    kind.start = now;
    kind.passed = 0;
  }
  if (kind.passed >= settings_.burst_max || passed_this_second_ >= settings_.per_second_max) {
    hold(kind, message);
    return false;
  }
  ++kind.passed;
  ++passed_this_second_;
  return true;
}

bool LogLimit::take_held(std::chrono::nanoseconds now, bool at_once, Held& held) {
  if (waiting_ == 0) return false;
  for (auto& kind : kinds_) {
    if (kind.held == 0 || (!at_once && now - kind.start < settings_.window)) continue;
    held.message = std::move(kind.message);
    held.count = kind.held;
    waiting_ -= kind.held;
    kind.held = 0;
    kind.passed = 0;
    kind.start = now;
    return true;
  }
  return false;
}

}  // namespace tracking::apps
