#include "boundary.h"

#include <tracking/event.h>
#include <tracking/version.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace tracking::c {
namespace {

// The codes of both languages are the same numbers.
#define TRACKING_SAME_CODE(c_name, name) static_assert(TRACKING_##c_name == static_cast<int>(Code::name))
TRACKING_SAME_CODE(OK, ok);
TRACKING_SAME_CODE(MALFORMED_JSON, malformed_json);
TRACKING_SAME_CODE(INVALID_EVENT, invalid_event);
TRACKING_SAME_CODE(UNKNOWN_ACCOUNT, unknown_account);
TRACKING_SAME_CODE(INACTIVE_ACCOUNT, inactive_account);
TRACKING_SAME_CODE(TOO_LARGE, too_large);
TRACKING_SAME_CODE(BROKER_UNAVAILABLE, broker_unavailable);
TRACKING_SAME_CODE(ACCOUNTS_UNAVAILABLE, accounts_unavailable);
TRACKING_SAME_CODE(OVERLOADED, overloaded);
TRACKING_SAME_CODE(IN_DOUBT, in_doubt);
TRACKING_SAME_CODE(ACK_UNAVAILABLE, ack_unavailable);
TRACKING_SAME_CODE(INVALID_PARAMETER, invalid_parameter);
TRACKING_SAME_CODE(BAD_REQUEST, bad_request);
TRACKING_SAME_CODE(UNAUTHORIZED, unauthorized);
TRACKING_SAME_CODE(FORBIDDEN, forbidden);
TRACKING_SAME_CODE(NOT_FOUND, not_found);
TRACKING_SAME_CODE(METHOD_NOT_ALLOWED, method_not_allowed);
TRACKING_SAME_CODE(REQUEST_TIMEOUT, request_timeout);
TRACKING_SAME_CODE(ACCOUNT_EXISTS, account_exists);
TRACKING_SAME_CODE(LENGTH_REQUIRED, length_required);
TRACKING_SAME_CODE(URI_TOO_LONG, uri_too_long);
TRACKING_SAME_CODE(UNSUPPORTED_TYPE, unsupported_type);
TRACKING_SAME_CODE(RATE_LIMITED, rate_limited);
TRACKING_SAME_CODE(HEADERS_TOO_LARGE, headers_too_large);
TRACKING_SAME_CODE(NOT_READY, not_ready);
TRACKING_SAME_CODE(UNSUPPORTED, unsupported);
TRACKING_SAME_CODE(CLOSED, closed);
TRACKING_SAME_CODE(TIMED_OUT, timed_out);
TRACKING_SAME_CODE(COULD_NOT_CONNECT, could_not_connect);
TRACKING_SAME_CODE(INTERNAL, internal);
#undef TRACKING_SAME_CODE
static_assert(code_count == TRACKING_INTERNAL + 1, "a code was added: give it to <tracking/c.h> too");

static_assert(TRACKING_ACK_SENT == static_cast<int>(AckLevel::sent));
static_assert(TRACKING_ACK_STORED == static_cast<int>(AckLevel::stored));

// Structures are part of the binary interface: these are what was released.
static_assert(sizeof(tracking_error) == 512);
static_assert(sizeof(tracking_setting) == 4 * sizeof(void*));
static_assert(sizeof(tracking_receipt) == 80);
static_assert(sizeof(void*) != 8 || (sizeof(tracking_event) == 56 && sizeof(tracking_batch) == 40 &&
                                     sizeof(tracking_delivery) == 144 && sizeof(tracking_deliveries) == 32));
static_assert(sizeof(tracking_receipt::id) == EventId::bytes_max);

}  // namespace

tracking_code fail(tracking_error* error, Code code, std::string_view text) noexcept {
  if (error) {
    std::size_t size = std::min(text.size(), sizeof error->text - 1);
    // A cut falls before a character, not into it.
    while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
    error->code = to_c(code);
    error->text_size = static_cast<std::uint32_t>(size);
    std::memcpy(error->text, text.data(), size);
    error->text[size] = '\0';
  }
  return to_c(code);
}

}  // namespace tracking::c

const char* tracking_version(void) {
  return tracking::version().data();  // of a literal
}

const char* tracking_code_name(tracking_code code) {
  using tracking::Code;
  const bool is_known = code >= 0 && code < tracking::code_count;
  return tracking::name(is_known ? static_cast<Code>(code) : Code::internal).data();  // of a literal
}
