// The outcomes that the system distinguishes, by what a caller can do about them.
#pragma once

#include <tracking/export.h>

#include <cstdint>
#include <string_view>

namespace tracking {

/// Append-only: numbers are part of the C ABI and never change their meaning.
/// `name()` is the text that problem documents carry as `type`.
enum class Code : std::uint8_t {
  ok = 0,

  // The event itself is at fault; repeating it changes nothing.
  malformed_json = 1,
  invalid_event = 2,
  unknown_account = 3,
  inactive_account = 4,
  too_large = 5,

  // Nothing was accepted and it may pass: the caller may safely repeat.
  broker_unavailable = 6,
  accounts_unavailable = 7,
  overloaded = 8,

  // It may have been stored. A repeat with the same id doubles nothing.
  in_doubt = 9,

  // The call or the request is at fault.
  ack_unavailable = 10,
  invalid_parameter = 11,
  bad_request = 12,
  unauthorized = 13,
  forbidden = 14,
  not_found = 15,
  method_not_allowed = 16,
  request_timeout = 17,
  account_exists = 18,
  length_required = 19,
  uri_too_long = 20,
  unsupported_type = 21,
  rate_limited = 22,
  headers_too_large = 23,
  not_ready = 24,

  // Life of an object.
  unsupported = 25,  ///< this backend cannot do that
  closed = 26,       ///< the object was closed before or during the call
  timed_out = 27,    ///< the caller's deadline passed
  could_not_connect = 28,
  internal = 29,  ///< a mistake of ours
};

/// How many codes there are; codes are 0 .. code_count - 1.
inline constexpr int code_count = 30;

/// "unknown-account"; "ok" for ok. Never empty; static storage.
TRACKING_EXPORT std::string_view name(Code code) noexcept;

/// The code of that name, or `internal` if there is none.
TRACKING_EXPORT Code code_from_name(std::string_view name) noexcept;

/// A short human title, "Unknown account". Static storage.
TRACKING_EXPORT std::string_view title(Code code) noexcept;

/// The HTTP status (RFC 9110) that stands for the code: 202 for ok, 404 for unknown_account.
TRACKING_EXPORT int http_status(Code code) noexcept;

/// True if nothing was accepted and the same call may succeed later (the 503s except `closed`).
TRACKING_EXPORT bool is_retriable(Code code) noexcept;

}  // namespace tracking
