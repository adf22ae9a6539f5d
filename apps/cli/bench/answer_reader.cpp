#include "answer_reader.h"

#include "common/values.h"

#include <algorithm>

namespace tracking::cli {
namespace {

constexpr std::size_t head_bytes_max = 64 * 1024;
constexpr std::size_t body_bytes_max = 64u << 20;

char lower(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character + 32) : character;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower_case) {
  return text.size() == lower_case.size() &&
         std::equal(text.begin(), text.end(), lower_case.begin(), [](char a, char b) { return lower(a) == b; });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// False: it makes no sense.
bool take_header(std::string_view line, AnswerHead& head) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return false;
  const auto name = line.substr(0, colon);
  // Told apart by their length, most headers cost one comparison.
  if (name.size() == 14 && equals_ignoring_case(name, "content-length")) {
    head.content_length = apps::parse_integer(trimmed(line.substr(colon + 1)));
    return head.content_length && *head.content_length <= body_bytes_max;
  }
  if (name.size() == 17 && equals_ignoring_case(name, "transfer-encoding")) {
    head.is_chunked = equals_ignoring_case(trimmed(line.substr(colon + 1)), "chunked");
    return head.is_chunked;
  }
  if (name.size() == 10 && equals_ignoring_case(name, "connection")) {
    head.closes = equals_ignoring_case(trimmed(line.substr(colon + 1)), "close");
  }
  return true;
}

}  // namespace

Parsed parse_answer_head(std::string_view text, AnswerHead& head) noexcept {
  const auto end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return text.size() > head_bytes_max ? Parsed::malformed : Parsed::incomplete;
  head = {.bytes = end + 4};
  if (!text.starts_with("HTTP/1.") || end < 12) return Parsed::malformed;
  const auto status = apps::parse_integer(text.substr(9, 3));
  if (!status) return Parsed::malformed;
  head.status = static_cast<int>(*status);
  auto at = text.find("\r\n");
  while (at < end) {
    const auto begin = at + 2;
    at = text.find("\r\n", begin);
    if (!take_header(text.substr(begin, at - begin), head)) return Parsed::malformed;
  }
  return Parsed::done;
}

std::size_t ChunkDecoder::decode(std::string_view text, std::string& content) {
  std::size_t used = 0;
  while (used < text.size() && !is_done_ && !is_malformed_) {
    if (!is_in_chunk_) {
      const std::size_t taken = take_size_line(text.substr(used));
      if (taken == 0) break;
      used += taken;
      continue;
    }
    const std::size_t piece = static_cast<std::size_t>(std::min<std::uint64_t>(left_, text.size() - used));
    content.append(text.substr(used, piece));
    used += piece;
    left_ -= piece;
    if (left_ == 0) {
      is_in_chunk_ = false;
      has_content_ended_ = true;
    }
  }
  return used;
}

// How much of `text` was taken; 0 = the line is not whole yet.
std::size_t ChunkDecoder::take_size_line(std::string_view text) {
  constexpr std::size_t line_bytes_max = 256;
  const auto end = text.find("\r\n");
  if (end == std::string_view::npos) {
    is_malformed_ = text.size() > line_bytes_max;
    return 0;
  }
  if (has_content_ended_ || is_last_) {
    is_malformed_ = has_content_ended_ && end != 0;
    if (is_last_ && end == 0) is_done_ = true;  // a trailer is passed over
    has_content_ended_ = false;
    return end + 2;
  }
  std::uint64_t size = 0;
  const auto digits = text.substr(0, std::min(text.find(';'), end));
  for (const char character : digits) {
    const char digit = lower(character);
    const bool is_letter = digit >= 'a' && digit <= 'f';
    if ((!is_letter && (digit < '0' || digit > '9')) || size > body_bytes_max) is_malformed_ = true;
    size = size * 16 + static_cast<std::uint64_t>(is_letter ? digit - 'a' + 10 : digit - '0');
  }
  is_malformed_ |= digits.empty();
  left_ = size;
  is_in_chunk_ = size > 0;
  is_last_ = size == 0;
  return end + 2;
}

Parsed AnswerReader::read(std::string_view received, Answer& answer) {
  if (is_answered_) clear();
  if (pending_.empty()) {
    const Parsed parsed = parse(received, answer);  // nearly always: it came whole, and nothing is copied
    if (parsed == Parsed::incomplete) pending_ = received;
    is_answered_ = parsed == Parsed::done;
    return parsed;
  }
  pending_.append(received);
  if (pending_.size() < wanted_) return Parsed::incomplete;
  const Parsed parsed = parse(pending_, answer);
  is_answered_ = parsed == Parsed::done;
  return parsed;
}

void AnswerReader::clear() {
  pending_.clear();
  wanted_ = 0;
  is_answered_ = false;
}

Parsed AnswerReader::parse(std::string_view text, Answer& answer) {
  AnswerHead head;
  const Parsed parsed = parse_answer_head(text, head);
  if (parsed != Parsed::done) return parsed;
  answer = {.status = head.status, .closes = head.closes};
  const auto body = text.substr(head.bytes);
  if (head.is_chunked) return parse_chunked(body, head, answer);
  if (!head.content_length) return head.status == 204 ? Parsed::done : Parsed::malformed;
  const auto length = static_cast<std::size_t>(*head.content_length);
  if (body.size() < length) {
    wanted_ = head.bytes + length;
    return Parsed::incomplete;
  }
  answer.body = body.substr(0, length);
  return body.size() == length ? Parsed::done : Parsed::malformed;
}

Parsed AnswerReader::parse_chunked(std::string_view body, const AnswerHead& head, Answer& answer) {
  // From the beginning each time: no answer of ours is chunked, those of others are short.
  ChunkDecoder decoder;
  content_.clear();
  const std::size_t used = decoder.decode(body, content_);
  if (decoder.is_malformed() || content_.size() > body_bytes_max) return Parsed::malformed;
  if (!decoder.is_done()) {
    wanted_ = head.bytes + body.size() + 1;
    return Parsed::incomplete;
  }
  answer.body = content_;
  return used == body.size() ? Parsed::done : Parsed::malformed;
}

}  // namespace tracking::cli
