#include "file/crc32c.h"

#include <array>
#include <bit>
#include <cstring>

namespace tracking::file_log {
namespace {

constexpr std::uint32_t polynomial = 0x82f63b78;  // 0x1edc6f41, reflected

// Eight tables: table[k][b] is what byte b does when k more bytes follow it ("slicing by 8").
constexpr auto tables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> made{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
    made[0][byte] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte)
      made[k][byte] = made[k - 1][byte] >> 8 ^ made[0][made[k - 1][byte] & 0xff];
  }
  return made;
}();

std::uint64_t load_word(const char* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

std::uint32_t step_byte(std::uint32_t crc, char byte) noexcept {
  return crc >> 8 ^ tables[0][(crc ^ static_cast<unsigned char>(byte)) & 0xff];
}

#if defined(__x86_64__)
constexpr bool has_instruction_code = true;

bool has_instruction() noexcept {
  static const bool has = __builtin_cpu_supports("sse4.2") != 0;
  return has;
}

// The instruction takes three cycles and one can begin in each, so three blocks are summed side by side, and put
// together by shifting the first two over the zeros that the others stand for.
constexpr std::size_t block_bytes = 1'024;

// What a checksum becomes when block_bytes zeros follow, a table for each of its bytes.
constexpr auto shift_tables = [] {
  std::array<std::uint32_t, 32> of_bit{};
  for (std::uint32_t bit = 0; bit < 32; ++bit) {
    std::uint32_t crc = std::uint32_t{1} << bit;
    for (std::size_t i = 0; i < block_bytes; ++i) crc = crc >> 8 ^ tables[0][crc & 0xff];
    of_bit[bit] = crc;
  }
  std::array<std::array<std::uint32_t, 256>, 4> made{};
  for (std::size_t k = 0; k < 4; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      for (std::size_t bit = 0; bit < 8; ++bit) made[k][byte] ^= byte >> bit & 1 ? of_bit[8 * k + bit] : 0;
    }
  }
  return made;
}();

std::uint32_t shift(std::uint32_t crc) noexcept {
  return shift_tables[0][crc & 0xff] ^ shift_tables[1][crc >> 8 & 0xff] ^ shift_tables[2][crc >> 16 & 0xff] ^
         shift_tables[3][crc >> 24];
}

__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::string_view bytes, std::uint32_t crc) noexcept {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t sum = ~crc;
  for (; left >= 3 * block_bytes; left -= 3 * block_bytes, at += 3 * block_bytes) {
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (std::size_t i = 0; i < block_bytes; i += 8) {
      sum = __builtin_ia32_crc32di(sum, load_word(at + i));
      second = __builtin_ia32_crc32di(second, load_word(at + block_bytes + i));
      third = __builtin_ia32_crc32di(third, load_word(at + 2 * block_bytes + i));
    }
    sum = shift(shift(static_cast<std::uint32_t>(sum)) ^ static_cast<std::uint32_t>(second)) ^ third;
  }
  for (; left >= 8; left -= 8, at += 8) sum = __builtin_ia32_crc32di(sum, load_word(at));
  auto tail = static_cast<std::uint32_t>(sum);
  for (; left > 0; --left) tail = __builtin_ia32_crc32qi(tail, static_cast<unsigned char>(*at++));
  return ~tail;
}
#else
constexpr bool has_instruction_code = false;
bool has_instruction() noexcept { return false; }
std::uint32_t by_instruction(std::string_view bytes, std::uint32_t crc) noexcept { return crc32c_portable(bytes, crc); }
#endif

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc) noexcept {
  return has_instruction_code && has_instruction() ? by_instruction(bytes, crc) : crc32c_portable(bytes, crc);
}

std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t crc) noexcept {
  static_assert(std::endian::native == std::endian::little, "words are read as they lie in memory");
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  crc = ~crc;
  for (; left >= 8; left -= 8, at += 8) {
    const std::uint64_t word = load_word(at) ^ crc;
    crc = 0;
    for (std::size_t k = 0; k < 8; ++k) crc ^= tables[7 - k][word >> 8 * k & 0xff];
  }
  for (; left > 0; --left) crc = step_byte(crc, *at++);
  return ~crc;
}

}  // namespace tracking::file_log
