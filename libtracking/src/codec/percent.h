// Percent-encoding in URLs (RFC 3986, section 2.1).
#pragma once

#include <tracking/export.h>

#include <optional>
#include <string>
#include <string_view>

namespace tracking::codec {

/// Nothing if an escape is malformed or means NUL, which would cut the text short for a C library.
TRACKING_EXPORT std::optional<std::string> percent_decode(std::string_view text);

}  // namespace tracking::codec
