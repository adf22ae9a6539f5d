// The log as a broker, over simulated files of a few events.
#pragma once

#include <tracking/subscriber.h>

#include <mutex>

#include "file/file_broker.h"
#include "unit_file/support.h"

namespace tracking::file_log::test {

inline constexpr std::uint64_t events_made = 40;

StoreSettings tiny_segments();
/// Events 1 to `events_made`, two a frame, in five segments or more, of which the newest is complete if it was closed.
std::unique_ptr<SimulatedFiles> make_log_of_segments(bool is_closed);
void damage_trailers(SimulatedFiles& files);
/// The time of an event.
std::string time_text(std::uint64_t number);

/// Without its service. Its clock is one second after event 25.
struct LogBroker {
  explicit LogBroker(SimulatedFiles& files);

  struct Got {
    std::vector<std::string> items;  ///< "12", or "[corrupt]"
    Status status;                   ///< why it was refused, or ended before its end
    std::string cursor;              ///< of the last item
  };
  /// A subscription to the end of history.
  Got read(SubscribeOptions options);
  /// Of one that comes to its end.
  std::vector<std::string> items(const SubscribeOptions& options);
  std::size_t count_messages(const std::string& part);

  testing::ManualClock clock;
  std::mutex mutex;
  std::vector<std::string> messages;  // guarded by mutex
  std::unique_ptr<Broker> broker;
};

}  // namespace tracking::file_log::test
