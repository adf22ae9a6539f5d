// The rule that says when a remembered answer may be used.
#pragma once

#include "engine/account_cache.h"

#include <algorithm>
#include <atomic>
#include <chrono>

namespace tracking::engine {

enum class Freshness : std::uint8_t {
  fresh,    ///< use it
  ageing,   ///< use it, and have it read again
  stale,    ///< use it only because the repository does not answer
  useless,  ///< ask
};

/// judge() may be called by any thread. All else is called under one lock.
///
/// While changes are watched, answers hold for as long as nothing changes. When something changed but nobody knows
/// what, every older answer is doubted: it is used for `grace` more, while those in use are read again. Without a watch
/// an answer holds for the TTL, counted from when it was last known to be true, and in the second half of it those in
/// use are read again. While the repository does not answer, all that is not older than stale_max holds.
class AccountFreshness {
 public:
  /// How long answers are still used after something changed, or after the repository came back: time to read those in
  /// use again in the background. A change must hold within a second, of which the watch may take half.
  static constexpr Ticks grace = 250;

  AccountFreshness(std::chrono::milliseconds ttl, std::chrono::milliseconds stale_max)
      : ttl_(std::max<std::int64_t>(ttl.count(), 1)), stale_max_(std::max<std::int64_t>(stale_max.count(), 0)) {}

  Freshness judge(const Remembered& remembered) const noexcept {
    if (!remembered.is_doubted) {
      if (remembered.verified >= ageing_before_.load(std::memory_order_relaxed)) return Freshness::fresh;
      if (remembered.verified >= useless_before_.load(std::memory_order_relaxed)) return Freshness::ageing;
    }
    const Link repository = repository_.load(std::memory_order_relaxed);
    const bool may_be_stale = repository == Link::lost || (repository == Link::recovering && !remembered.is_doubted);
    return may_be_stale && is_within_stale_max(remembered) ? Freshness::stale : Freshness::useless;
  }

  bool is_within_stale_max(const Remembered& remembered) const noexcept {
    return remembered.verified >= forgotten_before_.load(std::memory_order_relaxed);
  }

  /// The directory's time: the clock's milliseconds, and one more for each doubt, so that what is read after a doubt is
  /// later than it even if the clock stands still.
  Ticks now(std::chrono::nanoseconds steady) noexcept {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(steady).count();
    if (!has_origin_) origin_ms_ = ms, has_origin_ = true;
    return static_cast<Ticks>(std::max<std::int64_t>(ms - origin_ms_, 0)) + 1 + doubts_;
  }

  /// Something changed: what was asked up to now may be wrong.
  void doubt_all(Ticks now) noexcept {
    doubted_before_ = now + 1;
    ++doubts_;
    if (grace_before_ == 0) grace_before_ = doubted_before_, grace_ends_ = now + grace;
    update(now);
  }

  /// The watch answered just now, or is lost.
  void watch_alive(Ticks now) noexcept {
    watch_proven_ = now;
    if (is_watched_) return;
    is_watched_ = true;
    doubt_all(now);
  }
  bool is_watched() const noexcept { return is_watched_; }
  /// It was asked before the last doubt.
  bool was_doubted(const Remembered& remembered) const noexcept { return remembered.verified < doubted_before_; }
  void watch_lost(Ticks now) noexcept {
    is_watched_ = false;
    update(now);
  }

  void repository_lost() noexcept { repository_.store(Link::lost, std::memory_order_relaxed); }
  void repository_answers(Ticks now) noexcept {
    if (repository_.load(std::memory_order_relaxed) != Link::lost) return;
    repository_.store(Link::recovering, std::memory_order_relaxed);
    recovering_until_ = now + grace;
  }
  bool is_repository_lost() const noexcept { return repository_.load(std::memory_order_relaxed) == Link::lost; }

  /// Moves the limits on; called every few dozen milliseconds.
  void update(Ticks now) noexcept {
    Ticks ageing = doubted_before_;
    Ticks useless = 0;
    if (grace_before_ != 0 && now >= grace_ends_) {
      useless = grace_before_;
      // What was doubted meanwhile had to wait for its own grace, or a steady stream of changes would never end it.
      grace_before_ = doubted_before_ > grace_before_ ? doubted_before_ : 0;
      grace_ends_ = now + grace;
    }
    if (!is_watched_) {
      if (now > watch_proven_ + ttl_ / 2) ageing = std::max(ageing, now - ttl_ / 2);
      if (now > watch_proven_ + ttl_) useless = std::max(useless, now - ttl_);
    }
    raise(ageing_before_, ageing);
    raise(useless_before_, useless);
    raise(forgotten_before_, now > stale_max_ ? now - stale_max_ : 0);
    if (repository_.load(std::memory_order_relaxed) == Link::recovering && now >= recovering_until_) {
      repository_.store(Link::alive, std::memory_order_relaxed);
    }
  }

 private:
  enum class Link : std::uint8_t { alive, recovering, lost };

  static void raise(std::atomic<Ticks>& limit, Ticks to) noexcept {
    if (limit.load(std::memory_order_relaxed) < to) limit.store(to, std::memory_order_relaxed);
  }

  // Read by every lookup, seldom written: a cache line of their own.
  alignas(64) std::atomic<Ticks> ageing_before_{0};
  std::atomic<Ticks> useless_before_{0};
  std::atomic<Ticks> forgotten_before_{0};
  std::atomic<Link> repository_{Link::alive};

  alignas(64) const Ticks ttl_;
  const Ticks stale_max_;
  bool has_origin_ = false;
  std::int64_t origin_ms_ = 0;
  Ticks doubts_ = 0;
  Ticks doubted_before_ = 0;
  Ticks grace_before_ = 0;  // answers older than this are useless when the grace ends; 0 = none runs
  Ticks grace_ends_ = 0;
  bool is_watched_ = false;
  Ticks watch_proven_ = 0;
  Ticks recovering_until_ = 0;
};

}  // namespace tracking::engine
