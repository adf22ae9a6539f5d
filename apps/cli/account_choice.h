// Which accounts are shown, and how typed lines change that.
#pragma once

#include <tracking/event.h>
#include <tracking/status.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tracking::cli {

/// A value: a change is made on a copy, which then replaces the original if the server's side could be changed too.
class AccountChoice {
 public:
  /// No chosen account = every account. The excluded ones are left out whatever is chosen.
  AccountChoice(const std::vector<AccountId>& chosen, const std::vector<AccountId>& excluded);

  /// `+3`, `-2`, `=1,2`, `all`; several ids may follow each sign.
  Status apply(std::string_view line);

  /// What to ask for; empty = every account.
  std::vector<AccountId> to_ask_for() const;
  /// False for what is asked for only because everything is.
  bool wants(AccountId id) const { return excluded_.count(id) == 0; }
  /// True if nothing would be shown.
  bool is_nothing() const { return !is_everyone_ && to_ask_for().empty(); }

  /// "every account but 7", "accounts 1, 3".
  std::string text() const;

 private:
  bool is_everyone_;
  std::set<AccountId> chosen_;
  std::set<AccountId> excluded_;
};

}  // namespace tracking::cli
