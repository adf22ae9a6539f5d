// Writes the requests of `tracking-cli bench`, and finds its marks again in what subscribers get.
#pragma once

#include "bench_options.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tracking::cli {

/// Data that carries a mark: quotes, ten characters of the run, sixteen of the time.
inline constexpr std::size_t marked_data_bytes_min = 28;

/// One thread at a time.
class RequestMaker {
 public:
  explicit RequestMaker(const BenchSettings& settings);

  /// The next request. `due_ns` is written into the data if there are subscribers, and in an open loop if it has room,
  /// for subscribers elsewhere on this machine. Valid until the next call.
  /// Without marks, ids and several accounts all requests are the same, and nothing is written again.
  std::string_view next(std::int64_t due_ns);

  /// The time in data of this run, of an event line; nothing if the line is another's.
  std::optional<std::int64_t> due_of(std::string_view line) const noexcept;

  /// A subscription to the accounts.
  std::string subscribe_request() const;

 private:
  void append_event(std::int64_t due_ns);
  void write(std::int64_t due_ns);

  const BenchSettings& settings_;
  const bool is_marked_;
  const bool is_constant_;
  std::optional<Zipf> zipf_;
  Random random_;
  std::string run_;   // ten characters
  std::string head_;  // up to the length's value
  std::string data_;
  std::string body_;
  std::string request_;
  std::uint64_t ids_ = 0;
};

}  // namespace tracking::cli
