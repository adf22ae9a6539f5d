// What became of the events of a batch, told in one answer.
#pragma once

#include <tracking/event.h>

#include <array>
#include <cstdint>
#include <string>

#include "codec/event_decoder.h"

namespace tracking::web {

/// Collects outcomes in the order of the events, and writes the batch's answer. The first failure that may pass (any
/// 5xx) stops the batch there. Events after it may have been handed over at the same time as it; nothing is said of
/// them, since the client is told to repeat from there on, but the status never denies that they may be stored.
/// Not thread-safe.
class BatchReport {
 public:
  explicit BatchReport(std::size_t listed_max) noexcept : listed_max_(listed_max) {}

  /// Begins anew; keeps its memory.
  void clear(std::size_t listed_max) noexcept;

  /// The next event got this receipt. `receipt.code` is as told_code() has it.
  void add(const Receipt& receipt, AccountId account_id) noexcept;
  /// The next event could not be read.
  void add(const codec::DecodeFault& fault) noexcept;
  /// Stops the batch before the next event. Only if it has not stopped already.
  void stop(Code code) noexcept;
  /// The body did not arrive whole.
  void set_incomplete() noexcept { is_incomplete_ = true; }

  bool is_stopped() const noexcept { return stopped_code_ != Code::ok; }
  bool is_empty() const noexcept { return events_ == 0; }
  /// 202, 422, or the status of the failure that stopped it.
  int status() const noexcept;
  /// Appends the answer's body. `ack` is told if nothing was accepted.
  void append_json(std::string& out, AckLevel ack) const;

 private:
  template <class Detail>
  void reject(Code code, const Detail& detail) noexcept;
  void list(Code code, std::string_view detail);
  Code stop_type() const noexcept;

  std::size_t listed_max_;    // less once there was no memory to list more: then they are counted only
  std::uint64_t events_ = 0;  // up to the stop
  std::uint64_t accepted_ = 0;
  std::uint64_t duplicates_ = 0;
  std::uint64_t rejected_ = 0;
  std::array<std::uint32_t, code_count> rejected_by_code_{};
  std::string listed_;  // the members of "rejected", with a comma before each but the first
  std::string detail_;
  AckLevel weakest_ack_ = AckLevel::broker_default;
  Code stopped_code_ = Code::ok;
  EventId stopped_id_;  // if in doubt
  Timestamp stopped_timestamp_{};
  bool later_may_be_stored_ = false;
  bool is_incomplete_ = false;
};

}  // namespace tracking::web
