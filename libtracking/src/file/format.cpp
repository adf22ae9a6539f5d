#include "file/format.h"

#include <charconv>

#include "file/crc32c.h"

namespace tracking::file_log {
namespace {

constexpr std::string_view segment_suffix = ".log";
constexpr std::size_t position_digits = 20;
constexpr std::uint64_t position_max = std::uint64_t{1} << 62;

template <class T>
std::uint32_t crc_without(T header, std::uint32_t T::*field) noexcept {
  header.*field = 0;
  return crc32c(bytes_of(header));
}

}  // namespace

void seal(SegmentHeader& header) noexcept { header.crc = crc_without(header, &SegmentHeader::crc); }
void seal(FrameHeader& header) noexcept { header.header_crc = crc_without(header, &FrameHeader::header_crc); }
void seal(SegmentTrailer& trailer) noexcept { trailer.crc = crc_without(trailer, &SegmentTrailer::crc); }

bool is_intact(const SegmentHeader& header) noexcept {
  return header.magic == SegmentHeader::magic_value && header.crc == crc_without(header, &SegmentHeader::crc);
}

bool is_intact(const FrameHeader& header) noexcept {
  return header.magic == FrameHeader::magic_value && header.count > 0 && header.first_position > 0 &&
         header.first_position <= position_max && header.payload_bytes <= payload_bytes_max &&
         header.payload_bytes / sizeof(Record) >= header.count &&
         header.header_crc == crc_without(header, &FrameHeader::header_crc);
}

bool is_intact(const SegmentTrailer& trailer) noexcept {
  return trailer.magic == SegmentTrailer::magic_value && trailer.crc == crc_without(trailer, &SegmentTrailer::crc);
}

std::string segment_name(std::uint64_t first_position) {
  std::string digits = std::to_string(first_position);
  return std::string(position_digits - digits.size(), '0').append(digits).append(segment_suffix);
}

std::optional<std::uint64_t> position_of_segment_name(std::string_view name) noexcept {
  if (name.size() != position_digits + segment_suffix.size() || !name.ends_with(segment_suffix)) return std::nullopt;
  std::uint64_t position = 0;
  const char* const end = name.data() + position_digits;
  const auto [rest, error] = std::from_chars(name.data(), end, position);
  if (error != std::errc() || rest != end || position == 0 || position > position_max) return std::nullopt;
  return position;
}

}  // namespace tracking::file_log
