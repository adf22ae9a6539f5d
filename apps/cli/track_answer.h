// The answers that `tracking-cli track` prints: those of the server's, over as many requests as it took.
#pragma once

#include <tracking/event.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tracking::cli {

/// `{"id":"...","timestamp":"...","ack":"sent"}`
std::string to_json(const Receipt& receipt);

/// What became of the events of a whole input.
class BatchSummary {
 public:
  void accept(const Receipt& receipt);
  void reject(std::uint64_t index, Code code, const std::string& detail);
  /// From this event on nothing is known to be accepted: the first failure that would not pass in time.
  void stop(std::uint64_t index, Code code);

  std::uint64_t accepted() const { return accepted_; }
  std::uint64_t rejected() const { return rejected_; }
  bool is_good() const { return rejected_ == 0 && !stopped_at_; }

  /// `{"accepted":2,"rejected":[...],"ack":"sent"}`, as docs/HTTP.md has it for NDJSON.
  std::string json() const;

 private:
  struct Rejection {
    std::uint64_t index;
    Code code;
    std::string detail;
  };
  std::uint64_t accepted_ = 0;
  std::uint64_t duplicates_ = 0;
  std::uint64_t rejected_ = 0;
  std::optional<AckLevel> ack_;  // the weakest reached
  std::vector<Rejection> listed_;
  std::map<Code, std::uint64_t> rejected_by_code_;
  std::optional<std::uint64_t> stopped_at_;
  Code stopped_by_ = Code::ok;
};

}  // namespace tracking::cli
