// Zeroed memory straight from the system, for tables.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <utility>

namespace tracking::engine {

/// Memory that begins as zeros; pages that nobody wrote take none. One owner.
class ZeroedPages {
 public:
  /// What a table may take while all of it can be expected in a processor's second cache, beside everything else:
  /// beyond that it is worth it to ask for entries some time before they are read. A guess on the low side: it costs 2
  /// ns.
  static constexpr std::size_t cached_bytes_max = std::size_t{256} << 10;

  ZeroedPages() = default;
  /// Throws std::bad_alloc.
  explicit ZeroedPages(std::size_t bytes) : bytes_(bytes) {
    data_ = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data_ == MAP_FAILED) throw std::bad_alloc();
    // Lookups all over a big table would miss the processor's address cache each time with small pages.
    if (bytes >= (std::size_t{4} << 20)) ::madvise(data_, bytes, MADV_HUGEPAGE);
  }
  ZeroedPages(ZeroedPages&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  ZeroedPages& operator=(ZeroedPages&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~ZeroedPages() {
    if (bytes_ > 0) ::munmap(data_, bytes_);
  }

  void* data() const noexcept { return data_; }
  std::size_t bytes() const noexcept { return bytes_; }
  bool is_beyond_cache() const noexcept { return bytes_ > cached_bytes_max; }
  /// Gives the memory back; what is read from then on is zeros.
  void clear() noexcept { ::madvise(data_, bytes_, MADV_DONTNEED); }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace tracking::engine
