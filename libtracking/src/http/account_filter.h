// Which accounts a subscriber at a distance wants, and from where on, while that changes.
#pragma once

#include <tracking/subscription.h>

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tracking::remote {

/// The place from which on events of an added account are wanted.
struct StartMark {
  std::optional<Cursor> after = std::nullopt;  ///< events behind it, if their cursors are of the same incarnation
  Timestamp from{};                            ///< else events accepted at this time or later
};

/// A stream is opened again at a position that lies before a change of the filter. Accounts that stay go on from that
/// position; those that the change added must not begin before the change, so each carries a mark. Not thread-safe.
class AccountFilter {
 public:
  /// Empty = every account.
  explicit AccountFilter(std::vector<AccountId> account_ids);

  /// Changes the filter; accounts that it adds begin at `mark`.
  void change(std::span<const AccountId> account_ids, const StartMark& mark);

  /// True if the change would add an account.
  bool adds(std::span<const AccountId> account_ids) const;

  bool wants(AccountId account_id, Timestamp timestamp, std::string_view cursor) const;
  /// True if wants() has nothing to look at in an event but its account, and that is what was asked from the server.
  bool has_marks() const { return !marks_.empty() || others_.has_value(); }

  /// Sorted, each once; empty = every account.
  const std::vector<AccountId>& account_ids() const { return account_ids_; }
  bool is_everyone() const { return account_ids_.empty(); }

 private:
  bool has(AccountId account_id) const;

  std::vector<AccountId> account_ids_;
  // Of an account that is not in marks_ and when others_ is not set, every event is wanted. An empty mark overrides
  // others_ for an account that was there before everyone was added.
  std::map<AccountId, std::optional<StartMark>> marks_;
  std::optional<StartMark> others_;
};

}  // namespace tracking::remote
