// One run of the load generator: one thread, one epoll loop, all connections.
//
// It speaks HTTP by itself, unlike every other verb, which uses the library's doors: what is measured is the server,
// and the door's threads, ids and reports would be measured along with it. A request costs two system calls here, as in
// wrk, so that one core of this program keeps one of the server busy.
#pragma once

#include "answer_reader.h"
#include "bench_options.h"
#include "event_tap.h"
#include "last_deliveries.h"
#include "load_result.h"
#include "load_socket.h"
#include "request_maker.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace tracking::cli {

class LoadRun {
 public:
  explicit LoadRun(const BenchSettings& settings);
  ~LoadRun();
  LoadRun(const LoadRun&) = delete;
  LoadRun& operator=(const LoadRun&) = delete;

  /// Connects, warms up, measures, and waits for what is under way. An error only if nothing could be measured.
  Status run();
  /// Ends the measuring early. Any thread.
  void interrupt();

  const LoadResult& result() const { return result_; }

 private:
  enum class Phase : std::uint8_t { connecting, warming, measuring, draining, done };
  enum class Activity : std::uint8_t { closed, connecting, idle, busy };

  // A connection that sends requests, one at a time.
  struct Sender {
    LoadSocket socket;
    AnswerReader reader;
    Activity activity = Activity::closed;
    bool has_worked = false;      // an answer came on it
    bool waits_for_room = false;  // to send `rest`
    std::string rest;
    std::int64_t due_ns = 0;       // of the request under way
    std::int64_t deadline_ns = 0;  // of it; of the pause before connecting again
  };
  // A connection that reads the stream.
  struct Tap {
    LoadSocket socket;
    EventTap reader;
    Activity activity = Activity::closed;
    std::int64_t deadline_ns = 0;
  };

  // Moving on (load_run.cpp)
  Status set_up();
  void begin(Phase phase, std::int64_t now);
  void move_on(std::int64_t now);
  void tick(std::int64_t now);
  void wait(std::int64_t now);
  std::int64_t wait_ns(std::int64_t now) const;
  bool is_drained(std::int64_t now);
  void finish_result();
  bool is_sending() const { return phase_ == Phase::warming || phase_ == Phase::measuring; }
  bool is_measured(std::int64_t due_ns) const { return due_ns >= measured_from_ns_; }

  // Connections (load_connections.cpp)
  void watch(const LoadSocket& socket, std::uint64_t key, bool is_new, bool for_room) const;
  void connect(std::size_t index, std::int64_t now);
  void connect_tap(std::size_t index, std::int64_t now);
  void check_times(std::int64_t now);
  void could_not_connect(int error, std::int64_t now, std::int64_t& deadline_ns);
  void handle(std::uint64_t key, std::uint32_t events);
  void handle_sender(std::size_t index, std::uint32_t events);
  void handle_tap(std::size_t index, std::uint32_t events);
  void receive(std::size_t index);
  void send_rest(std::size_t index);
  void drop(std::size_t index, const char* reason, std::int64_t now);
  void drop_tap(Tap& tap, std::int64_t now);
  void now_idle(std::size_t index, std::int64_t now);

  // Requests (load_requests.cpp)
  void start_due(std::int64_t now);
  std::int64_t next_due_ns() const;
  void start(std::size_t index, std::int64_t due_ns, std::int64_t now);
  void answered(std::size_t index, const Answer& answer, std::int64_t now);
  void delivered(std::string_view line, std::int64_t now);

  const BenchSettings& settings_;
  RequestMaker maker_;
  Address address_;
  int epoll_ = -1;
  int interrupt_ = -1;  // an eventfd
  std::vector<char> buffer_;
  std::vector<Sender> senders_;
  std::vector<Tap> taps_;
  LastDeliveries last_deliveries_;
  std::size_t senders_ready_ = 0;
  std::size_t senders_busy_ = 0;
  std::size_t taps_live_ = 0;
  std::deque<std::size_t> idle_;  // senders, longest idle first; open loop only

  Phase phase_ = Phase::connecting;
  std::int64_t phase_ends_ns_ = 0;
  std::int64_t measured_from_ns_ = INT64_MAX;
  std::int64_t measured_to_ns_ = INT64_MAX;
  std::int64_t next_tick_ns_ = 0;
  std::int64_t next_progress_ns_ = 0;
  std::int64_t schedule_from_ns_ = 0;  // open loop
  std::uint64_t scheduled_ = 0;        // requests that have been started
  std::uint64_t accepted_total_ = 0;   // with warm-up
  std::uint64_t progress_seen_ = 0;    // deliveries at the last progress while draining
  std::int64_t drain_idle_since_ns_ = 0;
  double cpu_from_ = 0;
  bool was_told_ = false;  // that there is no server yet
  Status failure_;
  LoadResult result_;
};

std::int64_t now_ns();

}  // namespace tracking::cli
