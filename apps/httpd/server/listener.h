// The public listener: an event loop per core.
#pragma once

#include <tracking/service.h>
#include <tracking/web.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tracking::httpd {

enum class StreamAccess : std::uint8_t { everyone, loopback, off };

struct ListenerSettings {
  std::string address = "127.0.0.1:8080";  ///< host:port, [v6]:port; port 0 = any free one
  unsigned threads = 0;                    ///< 0 = one per core
  StreamAccess streams = StreamAccess::everyone;
  std::size_t subscribers_max = 20'000;
  std::size_t connections_max = 50'000;
  std::size_t body_memory_bytes_max = 64u << 20;         ///< all request bodies together
  std::size_t subscriber_memory_bytes_max = 256u << 20;  ///< all subscribers' buffers together
  std::string cors_origin;                               ///< empty = off
  web::Limits limits;

  std::size_t request_line_bytes_max = 8u << 10;
  std::size_t head_bytes_max = 16u << 10;
  std::size_t header_count_max = 64;
  std::chrono::milliseconds head_timeout = std::chrono::seconds(10);
  std::chrono::milliseconds body_timeout = std::chrono::seconds(60);
  std::chrono::milliseconds ndjson_idle_timeout = std::chrono::seconds(30);
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(65);
  std::chrono::milliseconds heartbeat = std::chrono::seconds(15);
  /// How long a stream's peer may leave our bytes unacknowledged: TCP_USER_TIMEOUT.
  std::chrono::milliseconds stream_user_timeout = std::chrono::seconds(60);
  std::chrono::milliseconds linger = std::chrono::seconds(2);
  std::size_t linger_bytes_max = 1u << 20;
  std::chrono::milliseconds drain_grace = std::chrono::seconds(2);  ///< how long a drain keeps idle connections
};

/// A histogram with fixed bounds, written by one thread and read by any.
struct Histogram {
  static constexpr std::array<double, 16> bounds_seconds{0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                                         0.025,   0.05,   0.1,     0.25,   0.5,   1.0,    2.5,   10.0};
  std::array<std::atomic<std::uint64_t>, 17> counts{};  ///< the last one is +Inf; not cumulative
  std::atomic<std::uint64_t> sum_ns{0};
};

/// Counters of one loop; written by its thread, read by the scrape.
struct alignas(64) LoopMetrics {
  Histogram request_seconds;                  ///< head complete -> answer handed to the kernel, event routes only
  Histogram delivery_seconds;                 ///< event's timestamp -> handed to a subscriber's socket
  std::atomic<std::uint64_t> connections{0};  ///< open now
  std::atomic<std::uint64_t> connections_accepted{0};
  std::atomic<std::uint64_t> connections_refused{0};  ///< over a limit
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> subscribers{0};  ///< open now
  std::atomic<std::uint64_t> delivered{0};    ///< events handed to subscribers' sockets
  std::atomic<std::uint64_t> body_bytes{0};   ///< held now
  std::atomic<std::uint64_t> bytes_in{0};
  std::atomic<std::uint64_t> bytes_out{0};
  std::array<std::atomic<std::uint64_t>, code_count> answers_by_code{};  ///< problem answers by code; [ok] = 2xx
  std::array<std::atomic<std::uint64_t>, 8> gaps_missed{};  ///< missed events told, by index of gap_reason as listed
};

/// Serves until stopped. start(), drain() and the destructor are called by one thread.
class PublicListener {
 public:
  /// Binds exclusively: a taken port is an error that names it. Nothing is served before start().
  static Result<std::unique_ptr<PublicListener>> bind(const ListenerSettings& settings, TrackingService& service,
                                                      web::Ledger& ledger, Log log);
  ~PublicListener();

  std::uint16_t port() const noexcept;
  void start();
  /// False if an event loop has not come round since the last call: it is stuck, or the machine is. To be called every
  /// few seconds, between start() and drain().
  bool is_alive() noexcept;
  /// From now on /readyz says 503 and why.
  void set_draining() noexcept;
  /// Stops accepting, and lets requests in flight finish. Idle connections stay for `drain_grace`, a quarter of the
  /// deadline at most: a request that its sender could not know to be late is answered, with `Connection: close`. Then
  /// streams end. Returns when all are closed or at the deadline, when the rest is cut. True if nothing had to be cut.
  bool drain(std::chrono::milliseconds deadline);

  const std::vector<std::unique_ptr<LoopMetrics>>& metrics() const noexcept;

 private:
  struct Impl;
  explicit PublicListener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tracking::httpd
