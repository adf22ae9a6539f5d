// Hears what others change: LISTEN on a connection of its own, proved alive several times a second.
#pragma once

#include <tracking/account.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "postgres/change_notice.h"
#include "postgres/connection.h"

namespace tracking::postgres_accounts {

/// What AccountRepository::wait_for_changes() promises. Used by one thread.
///
/// Silence is told only of a link on which the server answered within the last second, on which nothing was lost since
/// the last call, and of a table whose triggers tell every change. Whatever breaks one of these ends in `lost`, and
/// when it holds again, in `all`.
class AccountWatcher {
 public:
  /// The server is asked for a sign of life so often, and given up if it takes so long.
  static constexpr std::chrono::milliseconds proof_interval{250};
  static constexpr std::chrono::milliseconds proof_limit{700};
  /// Between attempts to connect; doubles up to the second.
  static constexpr std::chrono::milliseconds pause_min{100};
  static constexpr std::chrono::milliseconds pause_max{500};
  /// Between attempts to make triggers, because each may hold up those who write to the table.
  static constexpr std::chrono::seconds triggers_pause{30};

  explicit AccountWatcher(std::shared_ptr<Store> store) : connection_(std::move(store)) {}
  AccountWatcher(const AccountWatcher&) = delete;
  AccountWatcher& operator=(const AccountWatcher&) = delete;

  AccountWatch wait(std::chrono::milliseconds timeout, std::vector<AccountId>& changed);

 private:
  using Steady = std::chrono::steady_clock;

  Status connect();
  Status prove();
  void make_triggers();
  Status read_notices(std::chrono::milliseconds timeout);
  AccountWatch lost(const Status& why, std::chrono::milliseconds timeout);
  void say(const std::string& why) noexcept;

  Connection connection_;
  ToldChanges told_;
  std::uint64_t table_ = 0;  // what is told about; 0 = nothing reliable
  std::string triggers_;     // what tells it
  Steady::time_point proved_at_{};
  Steady::time_point connects_at_{};
  Steady::time_point makes_triggers_at_{};
  std::chrono::milliseconds pause_ = pause_min;
  std::string trigger_trouble_;  // why they could not be made
  std::string said_;             // the last state that was logged; empty = all is well
};

}  // namespace tracking::postgres_accounts
