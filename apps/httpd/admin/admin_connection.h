// One connection to the admin listener, as cpp-httplib's Stream.
#pragma once

#include <httplib.h>

#include <chrono>
#include <string>
#include <string_view>

namespace tracking::httpd {

/// Reads and writes with deadlines, by poll(). Used by one thread. It first hands out `prepared` bytes (a head that we
/// wrote ourselves), then what comes over the wire.
class AdminConnection final : public httplib::Stream {
 public:
  /// `stop` becomes readable when the server stops, and `crowded` (a semaphore) when others wait for a thread. No
  /// descriptor is owned.
  AdminConnection(int socket, int stop, int crowded) noexcept : socket_(socket), stop_(stop), crowded_(crowded) {}

  enum class Head { whole, closed, too_large, timed_out };

  /// Waits for a request's first byte. False: the peer closed, the time is over, the server stops, or the peer was
  /// silent for a moment while others waited.
  bool wait_for_request(std::chrono::milliseconds timeout);
  /// Reads up to the empty line into head_bytes().
  Head read_head(std::size_t bytes_max, std::chrono::milliseconds timeout);
  std::string_view head_bytes() const noexcept { return head_; }
  /// What read() hands out first, and how long the body may take.
  void prepare(std::string bytes, std::chrono::milliseconds body_timeout);
  bool has_timed_out() const noexcept { return has_timed_out_; }
  /// Says that no more will be sent, and drops what still comes for a moment, so that the peer can read the answer
  /// before a reset.
  void linger();

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* out, std::size_t size) override;
  ssize_t write(const char* bytes, std::size_t size) override;
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  /// Only compared with FD_SETSIZE by httplib; we never select().
  socket_t socket() const override { return 0; }

 private:
  using Clock = std::chrono::steady_clock;
  /// Appends what is there to buffer_; 0 at the end of the stream, -1 on failure or when the deadline has passed.
  ssize_t fill(Clock::time_point deadline);

  int socket_;
  int stop_;
  int crowded_;
  std::string head_;
  std::string prepared_;
  std::string buffer_;  // read ahead
  std::size_t prepared_used_ = 0;
  Clock::time_point body_deadline_{};
  bool has_timed_out_ = false;
};

}  // namespace tracking::httpd
