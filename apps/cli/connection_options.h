// What every verb needs to reach a server, and what to say when it cannot.
#pragma once

#include "common/options.h"

#include <tracking/backends.h>
#include <tracking/status.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tracking::cli {

/// The backends that this program links in.
Backends backends();

/// The URL understood; with `retries` false, one that gives up at its first failure.
Result<BackendContext> connect_to(const std::string& url, bool retries = true);

/// "1,2" and further ones, each from 1 to 2^63-1; or what is wrong.
Result<std::vector<AccountId>> parse_accounts(const std::vector<std::string>& texts);
std::optional<AccountId> parse_account(std::string_view text);

/// The exit code for something that could not be opened: wrong usage if the URL or an option is at fault.
int exit_code_of_opening(const Status& status);

/// What to do about a failure, or an empty text. The account is named if the code is about one.
std::string advice(Code code, std::optional<AccountId> account_id = std::nullopt);

/// Says the failure and what to do about it on stderr.
void say_failure(const Status& status, std::optional<AccountId> account_id = std::nullopt);

}  // namespace tracking::cli
