// Which events of a history a subscription wants.
#pragma once

#include <tracking/event.h>

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>

namespace tracking::history {

/// Which accounts, and from which position on each: an account that was added to a running subscription begins there.
class TRACKING_EXPORT AccountFilter {
 public:
  AccountFilter() = default;
  /// Empty = every account.
  AccountFilter(std::span<const AccountId> account_ids, std::uint64_t from);

  /// The filter that follows this one when the accounts change at position `now`: accounts that stay keep their
  /// position.
  AccountFilter changed(std::span<const AccountId> account_ids, std::uint64_t now) const;
  /// The same accounts, from any position on: positions have come to mean something else.
  AccountFilter restarted() const;

  /// False for id 0: no event.
  bool matches(AccountId id, std::uint64_t position) const noexcept {
    if (is_everything_) return id != 0;
    if (single_ != 0) return id == single_ && position >= single_from_;
    return position >= from(id) && id != 0;
  }
  bool is_all() const noexcept { return all_from_ != never; }
  const std::unordered_map<AccountId, std::uint64_t>& accounts() const noexcept { return from_; }
  /// The account, if it is exactly one.
  std::optional<AccountId> single() const {
    return !is_all() && from_.size() == 1 ? std::optional(from_.begin()->first) : std::nullopt;
  }
  /// Whether a gap of that account, or of no particular one, concerns the subscription.
  bool concerns(std::optional<AccountId> id) const { return !id || is_all() || from_.contains(*id); }

 private:
  static constexpr std::uint64_t never = UINT64_MAX;
  std::uint64_t from(AccountId id) const noexcept {
    const auto found = from_.find(id);
    return found == from_.end() ? all_from_ : found->second;
  }

  void note_single();

  bool is_everything_ = true;   // no exceptions: the usual subscription to all
  std::uint64_t all_from_ = 0;  // of accounts that are not listed
  std::unordered_map<AccountId, std::uint64_t> from_;
  // The account, and from where, if it is exactly one: so that nothing outside of the filter is looked at. Else 0.
  AccountId single_ = 0;
  std::uint64_t single_from_ = 0;
};

}  // namespace tracking::history
