// Accounts as JSON: `{"id":1,"name":"Acme","is_active":true}`.
#pragma once

#include <tracking/account.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tracking::httpd {

inline constexpr std::size_t account_name_characters_max = 200;

/// The members of a body that were given.
struct AccountBody {
  std::optional<AccountId> id;
  std::optional<std::string> name;
  std::optional<bool> is_active;
};

/// Reads one object. Other members are ignored; wrong types, values out of range and repeated members are errors that
/// name the member and the byte where reading stopped.
Result<AccountBody> parse_account(std::string_view text);

void append_account(std::string& out, const Account& account);

/// `{"accounts":[...],"next":7}`, or `"next":null` at the end.
std::string accounts_page(std::span<const Account> accounts, std::optional<AccountId> next);

}  // namespace tracking::httpd
