#include "account_choice.h"

#include "common/options.h"
#include "connection_options.h"

namespace tracking::cli {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

std::string listed(const std::set<AccountId>& ids) {
  std::string text;
  for (const AccountId id : ids) text.append(text.empty() ? "" : ", ").append(std::to_string(id));
  return text;
}

}  // namespace

AccountChoice::AccountChoice(const std::vector<AccountId>& chosen, const std::vector<AccountId>& excluded)
    : is_everyone_(chosen.empty()),
      chosen_(chosen.begin(), chosen.end()),
      excluded_(excluded.begin(), excluded.end()) {}

Status AccountChoice::apply(std::string_view line) {
  line = trimmed(line);
  if (line == "all") {
    *this = AccountChoice({}, {});
    return {};
  }
  const char sign = line.empty() ? '\0' : line.front();
  if (sign != '+' && sign != '-' && sign != '=') {
    return {Code::invalid_parameter,
            apps::in_quotes(line) + " is none of: +3 (add), -2 (leave out), =1,2 (only these), all"};
  }
  const auto ids = parse_accounts({std::string(trimmed(line.substr(1)))});
  if (!ids) return ids.error();
  AccountChoice changed = sign == '=' ? AccountChoice(*ids, {}) : *this;
  for (const AccountId id : *ids) {
    if (sign == '+') {
      changed.excluded_.erase(id);
      if (!is_everyone_) changed.chosen_.insert(id);
    } else if (sign == '-') {
      if (is_everyone_) changed.excluded_.insert(id);
      changed.chosen_.erase(id);
    }
  }
  if (changed.is_nothing()) {
    return {Code::invalid_parameter, "that would leave no account: type =ID for another one, or all"};
  }
  *this = std::move(changed);
  return {};
}

std::vector<AccountId> AccountChoice::to_ask_for() const {
  std::vector<AccountId> ids;
  for (const AccountId id : chosen_) {
    if (wants(id)) ids.push_back(id);
  }
  return ids;
}

std::string AccountChoice::text() const {
  if (is_everyone_) return excluded_.empty() ? "every account" : "every account but " + listed(excluded_);
  const auto ids = to_ask_for();
  return (ids.size() == 1 ? "account " : "accounts ") + listed({ids.begin(), ids.end()});
}

}  // namespace tracking::cli
