// The outcomes that the system distinguishes, by what a caller can do about them.
#pragma once

#include <tracking/export.h>

#include <cstdint>
#include <string_view>

namespace tracking {

/// Append-only: numbers are part of the C ABI and never change their meaning.
/// `name()` is the text that problem documents carry as `type`.
enum class Code : std::uint8_t {
  ok = 0,  ///< accepted, or done

  // The event itself is at fault; repeating it changes nothing.
  malformed_json = 1,    ///< it is no JSON
  invalid_event = 2,     ///< a member is missing, twice there, or of the wrong type
  unknown_account = 3,   ///< there is no such account
  inactive_account = 4,  ///< the account may not track at present
  too_large = 5,         ///< more bytes or events than are taken

  // Nothing was accepted and it may pass: the caller may safely repeat.
  broker_unavailable = 6,    ///< the broker does not answer
  accounts_unavailable = 7,  ///< the accounts' store does not answer
  overloaded = 8,            ///< a queue is full

  // It may have been stored. A repeat with the same id doubles nothing.
  in_doubt = 9,  ///< the broker gave no answer in time

  // The call or the request is at fault.
  ack_unavailable = 10,     ///< the broker does not give that level
  invalid_parameter = 11,   ///< a setting or parameter is wrong
  bad_request = 12,         ///< framing of the request
  unauthorized = 13,        ///< the token is missing or wrong
  forbidden = 14,           ///< not to this caller
  not_found = 15,           ///< there is no such thing
  method_not_allowed = 16,  ///< not with this method
  request_timeout = 17,     ///< the request took too long
  account_exists = 18,      ///< there is one with this id
  length_required = 19,     ///< a body without a length
  uri_too_long = 20,        ///< the request line
  unsupported_type = 21,    ///< of the body, or its encoding
  rate_limited = 22,        ///< above a configured limit
  headers_too_large = 23,   ///< in number or in bytes
  not_ready = 24,           ///< a dependency does not answer, or it is stopping

  // Life of an object.
  unsupported = 25,        ///< this backend cannot do that
  closed = 26,             ///< the object was closed before or during the call
  timed_out = 27,          ///< the caller's deadline passed
  could_not_connect = 28,  ///< the first connection failed, and no other is to be tried
  internal = 29,           ///< a mistake of ours
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

/// True if nothing was accepted and the same call may succeed later (the 503s).
TRACKING_EXPORT bool is_retriable(Code code) noexcept;

}  // namespace tracking
