// A subscriber, and what it must and must not be given.
#pragma once

#include <tracking/subscription.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "faults/simulation/stored_log.h"

namespace tracking::simulation {

/// Checks each delivery against the broker's log: every event once, in order, and a gap wherever one is missing.
class Reader {
 public:
  /// `next` is the index in the log of the first event that it can be given.
  Reader(std::unique_ptr<Subscription> subscription, const RecordingBroker& broker, std::vector<AccountId> filter,
         std::size_t next);

  /// Reads once. Throws Broken.
  ReadState read(std::size_t events_max, std::size_t bytes_max);
  void set_accounts(std::vector<AccountId> filter);
  /// Nothing is left that it should have been given.
  void expect_complete() const;

  /// Its cursor, and the index of what one who resumes there is given next.
  std::pair<std::string, std::size_t> leave() const;
  std::size_t delivered() const noexcept { return delivered_; }
  std::size_t gaps() const noexcept { return gaps_; }

 private:
  bool wants(std::size_t index) const;
  std::uint64_t wanted_before(std::size_t end) const;
  void take_event(const DeliveryView& delivery);
  void take_gap(const DeliveryView& delivery);

  std::unique_ptr<Subscription> subscription_;
  const RecordingBroker& broker_;
  bool wants_all_;
  std::map<AccountId, std::size_t> filter_;  // from which index on
  std::size_t next_;
  bool is_filter_new_ = false;  // since the last delivery: what a gap counts may be of the old one
  std::size_t delivered_ = 0;
  std::size_t gaps_ = 0;
  Deliveries deliveries_;
};

}  // namespace tracking::simulation
