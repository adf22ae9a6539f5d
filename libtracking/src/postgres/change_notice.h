// What the table's triggers tell, as it comes over the wire.
#pragma once

#include <tracking/account.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace tracking::postgres_accounts {

inline constexpr const char* notice_channel = "tracking_accounts";

/// What notices have told so far.
struct ToldChanges {
  /// Ids beyond so many are not worth reading one by one.
  static constexpr std::size_t ids_max = 10'000;

  bool all = false;
  std::vector<AccountId> ids;

  /// Takes one notice in, unless it is about another table than `table`. Anyone may notify: what cannot be read, and
  /// what a newer layout says, counts as `all`.
  void take(std::string_view notice, std::uint64_t table) noexcept;
  bool is_empty() const noexcept { return !all && ids.empty(); }
};

}  // namespace tracking::postgres_accounts
