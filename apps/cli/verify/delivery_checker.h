// Compares what was delivered with what was accepted: lost, repeated, reordered, altered, and the gaps that were told.
#pragma once

#include "verify_event.h"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace tracking::cli {

/// What is known so far.
struct DeliveryCounts {
  std::uint64_t received = 0;         ///< events of the run, each counted once
  std::uint64_t lost = 0;             ///< accepted, not delivered, and no gap told
  std::uint64_t lost_announced = 0;   ///< accepted, not delivered, and a gap stands there
  std::uint64_t repeated = 0;         ///< deliveries of an event that had been delivered
  std::uint64_t repeated_resent = 0;  ///< of these, those that the sender had sent again because their answer was lost
  std::uint64_t reordered = 0;        ///< delivered behind a later event of their account
  std::uint64_t altered = 0;          ///< delivered with other data than was sent
  std::uint64_t gaps = 0;
  std::uint64_t missed = 0;  ///< what the gaps said was missed, where they knew
  std::map<std::string, std::uint64_t> gaps_by_reason;
};

/// The checker's memory: some 150 bytes for each stream, and the holes in it up to a bound. One thread at a time.
///
/// An event counts as reordered if it comes behind one of its stream with a higher number although it was sent at the
/// first attempt, or with a lower sequence than its producer had for the account before. One that was sent again stands
/// where its last attempt put it.
class DeliveryChecker {
 public:
  /// An event of the run. `producer` and `sequence` as delivered.
  void event(const VerifyEvent& event, std::string_view producer, std::uint64_t sequence);
  /// Another's event on an account of ours: only its sequence tells something.
  void others_event(AccountId account_id, std::string_view producer, std::uint64_t sequence);
  void gap(const Gap& gap);

  /// 1 .. accepted were accepted. What is delivered beyond that had an unknown fate: it is neither lost nor wrong.
  void expect(VerifyStream stream, std::uint64_t accepted);

  /// How many streams have been given their end.
  std::size_t streams_ended() const { return ended_; }
  /// True if nothing accepted is missing in the streams whose end is known.
  bool is_complete() const;
  DeliveryCounts counts() const;

 private:
  struct Hole {
    std::uint64_t first;
    std::uint64_t last;
    bool is_announced;
  };
  struct Stream {
    std::uint64_t highest = 0;  // number delivered
    std::vector<Hole> holes;    // below it, ascending; at most holes_max
    bool has_gap_before_next = false;
    bool has_ended = false;
    std::uint64_t accepted = 0;
    // Holes that were given up to keep the memory bounded.
    std::uint64_t lost = 0;
    std::uint64_t lost_announced = 0;
  };
  struct StreamHash {
    std::size_t operator()(const VerifyStream& stream) const {
      return std::hash<std::uint64_t>()(static_cast<std::uint64_t>(stream.account_id) * 0x9e3779b97f4a7c15 +
                                        stream.lane);
    }
  };
  struct Producer {
    std::uint64_t name_hash = 0;
    std::uint64_t sequence = 0;
  };
  struct Account {
    std::array<Producer, 8> producers;  // the latest; an older one that comes back counts as new
    std::size_t next = 0;
  };

  Stream& find(VerifyStream stream);
  static void add_hole(Stream& stream, std::uint64_t first, std::uint64_t last);
  static bool fill(Stream& stream, std::uint64_t number);
  static void bound(Stream& stream);
  // True if it runs backward.
  bool note_sequence(AccountId account_id, std::string_view producer, std::uint64_t sequence);
  static void add_lost(const Stream& stream, DeliveryCounts& counts);

  std::unordered_map<VerifyStream, Stream, StreamHash> streams_;
  std::unordered_map<AccountId, Account> accounts_;
  std::size_t ended_ = 0;
  bool has_open_gap_ = false;  // one that did not know how many were missed
  DeliveryCounts counts_;      // without lost
};

}  // namespace tracking::cli
