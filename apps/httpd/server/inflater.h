// Content-Encoding: gzip, piece by piece.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

struct z_stream_s;

namespace tracking::httpd {

/// Inflates a gzip body (RFC 1952, several members too). About 44 KiB while it lives.
class Inflater {
 public:
  enum class Result {
    more,     ///< all of the input was read
    full,     ///< there is more output than room: call again
    corrupt,  ///< this is no gzip
  };

  /// Throws std::bad_alloc.
  Inflater();
  ~Inflater();

  /// Reads from the front of `input`, which shrinks, and writes to `room`; `produced` is what it wrote.
  Result inflate(std::string_view& input, std::span<char> room, std::size_t& produced) noexcept;
  /// True between members, where a body may end.
  bool is_at_end() const noexcept { return is_at_end_; }

 private:
  std::unique_ptr<z_stream_s> stream_;
  bool is_at_end_ = false;
};

}  // namespace tracking::httpd
