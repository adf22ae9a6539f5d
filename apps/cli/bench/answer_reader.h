// Reads the answers on one connection, one after the other, from whatever pieces they come in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tracking::cli {

/// The head of an answer (RFC 9112), as far as a client of ours needs it.
struct AnswerHead {
  int status = 0;
  std::size_t bytes = 0;                                       ///< of the head itself
  std::optional<std::uint64_t> content_length = std::nullopt;  ///< if said
  bool is_chunked = false;
  bool closes = false;
};

/// What parsing came to.
enum class Parsed : std::uint8_t { incomplete, done, malformed };

/// Reads a head from the beginning of `text`.
Parsed parse_answer_head(std::string_view text, AnswerHead& head) noexcept;

/// Decodes the chunked coding in place, in pieces. One connection each.
class ChunkDecoder {
 public:
  /// Appends the content in `text` to `content`, and returns how much of `text` was used: what is left behind the last
  /// chunk belongs to the next answer, or is the beginning of a size line.
  std::size_t decode(std::string_view text, std::string& content);
  bool is_done() const noexcept { return is_done_; }
  bool is_malformed() const noexcept { return is_malformed_; }

 private:
  std::size_t take_size_line(std::string_view text);

  std::uint64_t left_ = 0;  // of the chunk's content
  bool is_in_chunk_ = false;
  bool has_content_ended_ = false;  // its line break is to come
  bool is_last_ = false;
  bool is_done_ = false;
  bool is_malformed_ = false;
};

struct Answer {
  int status = 0;
  std::string_view body = {};  ///< valid until the next call
  bool closes = false;
};

/// One connection each.
class AnswerReader {
 public:
  /// Takes bytes received. `done`: `answer` is whole. Answers are not pipelined, so one call gives one at most; bytes
  /// behind it are malformed.
  Parsed read(std::string_view received, Answer& answer);
  void clear();

 private:
  Parsed parse(std::string_view text, Answer& answer);
  Parsed parse_chunked(std::string_view body, const AnswerHead& head, Answer& answer);

  std::string pending_;     // the beginning of an answer
  std::size_t wanted_ = 0;  // below that many bytes there is no use in parsing again
  bool is_answered_ = false;
  std::string content_;  // of a chunked body
};

}  // namespace tracking::cli
