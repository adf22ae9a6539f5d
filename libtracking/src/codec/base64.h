// base64url (RFC 4648, section 5) without padding, for whole groups of three bytes.
#pragma once

#include <cstddef>

namespace tracking::codec {

/// Writes size / 3 * 4 characters at `out` and returns the end. Precondition: size is a multiple of 3.
char* encode_base64url(char* out, const unsigned char* bytes, std::size_t size) noexcept;

/// Reads `size` characters into size / 4 * 3 bytes. False if one is not of [A-Za-z0-9_-].
/// Precondition: size is a multiple of 4.
bool decode_base64url(unsigned char* out, const char* text, std::size_t size) noexcept;

}  // namespace tracking::codec
