// A connection's bytes through the parser and the routes, without a socket: whatever comes, in whatever pieces, no
// answer is malformed, nothing after the last request is read, and the ledger's equation holds with nothing in flight.
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "server/connection.h"

namespace {

using namespace tracking;
using namespace tracking::httpd;

/// One engine and one loop for all inputs.
struct Environment {
  Environment() { context.adopt_thread(); }

  static ListenerSettings settings() {
    ListenerSettings settings;
    settings.limits.body_bytes_max = 64 * 1024;
    settings.limits.data_bytes_max = 8 * 1024;
    settings.body_memory_bytes_max = 256 * 1024;
    return settings;
  }

  std::unique_ptr<TrackingService> service =
      TrackingService::open(ServiceOptions{.accounts = "memory:?active=1,3&inactive=2"}).value();
  web::Ledger ledger;
  LoopMetrics metrics;
  Shared shared{settings(), *service, ledger};
  std::shared_ptr<Inbox> inbox = std::make_shared<Inbox>([] {});
  LoopContext context{shared, metrics, inbox};
};

class NoSocket final : public Transport {
 public:
  void wake() noexcept override { is_woken = true; }
  void advance() noexcept override { is_woken = true; }
  void become_stream() noexcept override {}
  bool is_woken = false;
};

/// Moves bytes as a socket would: nothing is read while the connection wants nothing.
class Driver {
 public:
  explicit Driver(Environment& environment)
      : environment_(environment), http_(environment.context, transport_, Connection::Peer::loopback) {}

  void receive(std::string_view piece) {
    settle();
    if (http_.after() == Connection::After::close || !http_.wants_bytes()) return;
    out_.clear();
    http_.receive(piece, out_);
    take_output();
    settle();
  }
  void end() {
    settle();
    out_.clear();
    http_.receive_end(out_);
    take_output();
    settle();
  }
  void expire() {
    out_.clear();
    http_.expire(out_);
    take_output();
  }

 private:
  /// Goes on until nothing more happens by itself.
  void settle() {
    for (int round = 0; round < 1000; ++round) {
      environment_.inbox->deliver();
      if (!http_.has_more() && !transport_.is_woken) return;
      transport_.is_woken = false;
      out_.clear();
      http_.advance(out_);
      take_output();
    }
  }
  void take_output() {
    if (out_.empty()) return;
    TRACKING_REQUIRE(!is_over_);
    if (!is_begun_) {
      TRACKING_REQUIRE(std::string_view(out_).starts_with("HTTP/1.1 "));
    }
    is_begun_ = true;
    is_over_ = http_.after() != Connection::After::go_on;
  }

  Environment& environment_;
  NoSocket transport_;
  Connection http_;
  std::string out_;
  bool is_begun_ = false;
  bool is_over_ = false;
};

void check_ledger(Environment& environment) {
  // Lookups of accounts answer on threads of their own.
  while (environment.context.exchanges.taken() > 0) environment.inbox->deliver();
  const web::Ledger::Reading reading = environment.ledger.read();
  std::uint64_t ended = reading.accepted;
  for (const auto& [name, count] : reading.rejected) ended += count;
  for (const auto& [name, count] : reading.failed) ended += count;
  TRACKING_REQUIRE(reading.received == ended + reading.in_flight);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Environment environment;
  if (size < 2) return 0;
  // The first byte says how the rest is cut, the second how it ends.
  const std::size_t piece_bytes = data[0] == 0 ? size : data[0];
  const std::uint8_t ending = data[1];
  std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  environment.context.tick();
  {
    Driver driver(environment);
    while (!bytes.empty()) {
      driver.receive(bytes.substr(0, piece_bytes));
      bytes.remove_prefix(std::min(piece_bytes, bytes.size()));
    }
    if (ending % 3 == 1) driver.end();
    if (ending % 3 == 2) driver.expire();
  }
  check_ledger(environment);
  return 0;
}
