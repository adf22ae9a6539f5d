// CRC-32C (Castagnoli; RFC 3720, appendix B.4): what frames of the log are checked by.
#pragma once

#include <tracking/export.h>

#include <cstdint>
#include <string_view>

namespace tracking::file_log {

/// The checksum of what `crc` is the checksum of, followed by `bytes`. By the processor's own instruction where it has
/// one.
TRACKING_EXPORT std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0) noexcept;

/// The same without the instruction.
TRACKING_EXPORT std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t crc = 0) noexcept;

}  // namespace tracking::file_log
