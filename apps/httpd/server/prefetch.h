// Cache lines fetched before they are needed.
#pragma once

#include <cstddef>

namespace tracking::httpd {

/// Has the processor fetch `bytes` from `at` on while it does something else. With ten thousand subscribers none of
/// what belongs to one of them is in a near cache when its turn comes, and each line that is waited for takes as long
/// as a hundred instructions or more. Nothing is read: it does not matter if nothing is there.
inline void prefetch(const void* at, std::size_t bytes) noexcept {
  constexpr std::size_t line_bytes = 64;
  const auto* const first = static_cast<const char*>(at);
  for (std::size_t offset = 0; offset < bytes; offset += line_bytes) __builtin_prefetch(first + offset);
}

}  // namespace tracking::httpd
