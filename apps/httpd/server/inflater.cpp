#include "server/inflater.h"

#include <zlib.h>

#include <new>

namespace tracking::httpd {

Inflater::Inflater() : stream_(std::make_unique<z_stream>()) {
  constexpr int gzip_only = 16;
  if (inflateInit2(stream_.get(), MAX_WBITS + gzip_only) != Z_OK) throw std::bad_alloc();
}

Inflater::~Inflater() { inflateEnd(stream_.get()); }

Inflater::Result Inflater::inflate(std::string_view& input, std::span<char> room, std::size_t& produced) noexcept {
  z_stream& z = *stream_;
  z.next_out = reinterpret_cast<Bytef*>(room.data());
  z.avail_out = static_cast<uInt>(room.size());
  produced = 0;
  do {
    if (is_at_end_) {
      if (input.empty()) break;
      is_at_end_ = false;
      inflateReset(&z);
    }
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));  // zlib does not write to it
    z.avail_in = static_cast<uInt>(input.size());
    const int result = ::inflate(&z, Z_NO_FLUSH);
    input.remove_prefix(input.size() - z.avail_in);
    produced = room.size() - z.avail_out;
    if (result == Z_STREAM_END) {
      is_at_end_ = true;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      return Result::corrupt;
    }
  } while (!input.empty() && z.avail_out > 0);
  return z.avail_out == 0 ? Result::full : Result::more;
}

}  // namespace tracking::httpd
