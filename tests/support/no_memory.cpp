#include "support/no_memory.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<bool> is_armed{false};
std::atomic<std::int64_t> left{0};  // allocations until the one that fails
std::atomic<bool> is_lasting{false};

bool is_to_fail() noexcept {
  if (!is_armed.load(std::memory_order_relaxed)) return false;
  const std::int64_t before = left.fetch_sub(1, std::memory_order_relaxed);
  return before == 1 || (before < 1 && is_lasting.load(std::memory_order_relaxed));
}

void* allocate(std::size_t size) noexcept { return is_to_fail() ? nullptr : std::malloc(size == 0 ? 1 : size); }

void* allocate_aligned(std::size_t size, std::align_val_t alignment) noexcept {
  const auto step = static_cast<std::size_t>(alignment);
  return is_to_fail() ? nullptr : std::aligned_alloc(step, (size + step - 1) / step * step);
}

void* or_throw(void* memory) {
  if (!memory) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return or_throw(allocate(size)); }
void* operator new[](std::size_t size) { return or_throw(allocate(size)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) { return or_throw(allocate_aligned(size, alignment)); }
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return or_throw(allocate_aligned(size, alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace tracking::test {

int for_each_allocation(MemoryFault fault, const std::function<void()>& prepare, const std::function<void()>& scenario,
                        const std::function<void()>& check, int step) {
  is_lasting = fault == MemoryFault::lasting;
  for (int n = 1;; n += step) {
    prepare();
    left = n;
    is_armed = true;
    scenario();
    is_armed = false;
    const bool has_failed = left < 1;
    check();
    if (!has_failed) return n;
  }
}

}  // namespace tracking::test
