// The hot path on a fixed input, for counting its instructions under callgrind (tests/instructions/count.py):
// no clock, no random number and no other thread decides what it does.
#include "codec/event_decoder.h"

#include <tracking/testing.h>
#include <tracking/tracking.h>

#include <cstdio>
#include <string>
#include <vector>

namespace {

constexpr int rounds = 50;
constexpr std::size_t batch_size = 256;
constexpr tracking::AccountId account_count = 100;

struct Paths {
  std::vector<std::string> bodies;
  std::vector<tracking::Event> decoded;
  std::unique_ptr<tracking::TrackingService> service;
  std::unique_ptr<tracking::Lane> lane;
  std::unique_ptr<tracking::Subscription> subscription;
  tracking::Deliveries deliveries;
  std::uint64_t accepted = 0;
  std::uint64_t delivered = 0;
};

}  // namespace

// Callgrind collects inside these functions only: they are found by their names.
extern "C" {

[[gnu::noinline]] bool hot_decode(Paths& paths) {
  for (std::size_t i = 0; i < paths.bodies.size(); ++i) {
    tracking::codec::DecodeFault fault;
    std::string& body = paths.bodies[i];
    if (!tracking::codec::decode_event(body.data(), body.size(), 1 << 18, paths.decoded[i], fault)) return false;
  }
  return true;
}

[[gnu::noinline]] void hot_track(Paths& paths) {
  paths.lane->track(paths.decoded, [&paths](std::span<const tracking::Receipt> receipts) {
    for (const tracking::Receipt& receipt : receipts) paths.accepted += receipt.code == tracking::Code::ok;
  });
}

[[gnu::noinline]] void hot_deliver(Paths& paths) {
  while (paths.subscription->read(paths.deliveries, batch_size, 1 << 20) == tracking::ReadState::more) {
    paths.delivered += paths.deliveries.size();
  }
  paths.delivered += paths.deliveries.size();
}

}  // extern "C"

namespace {

bool set_up(Paths& paths, tracking::Clock& clock) {
  std::vector<tracking::Account> accounts;
  for (tracking::AccountId id = 1; id <= account_count; ++id) accounts.push_back({.id = id, .name = "a"});
  tracking::ServiceOptions options;
  options.clock = &clock;
  paths.service = tracking::TrackingService::open(accounts, "memory:", options).value();
  // An event whose account was looked up is answered before others can find what was learned of it. Those that are
  // counted must not wait: then another thread would have to do with them, and their bodies be used again too soon.
  for (tracking::AccountId id = 1; id <= account_count; ++id) {
    while (paths.service->stats().lookups_hit < static_cast<std::uint64_t>(id)) {
      if (!paths.service->track({.account_id = id, .data = "1"})) return false;
    }
  }
  paths.lane = paths.service->lane();
  paths.subscription = paths.service->open_subscription({}, [] {}).value();
  for (std::size_t i = 0; i < batch_size; ++i) {
    paths.bodies.push_back("{\"account_id\":" + std::to_string(1 + i % account_count) +
                           R"(,"data":{"page":"/pricing","ms":12.5,"tags":["a","b"],"name":"J\u00fcrgen \"J\" M"}})");
  }
  paths.decoded.resize(batch_size);
  return true;
}

}  // namespace

int main() {
  tracking::testing::ManualClock clock;
  Paths paths;
  if (!set_up(paths, clock)) return 1;
  for (int round = 0; round < rounds; ++round) {
    if (!hot_decode(paths)) return 1;
    hot_track(paths);
    hot_deliver(paths);
  }
  // A count is worth something only if the work was done.
  const std::uint64_t expected = rounds * batch_size;
  std::printf("events %llu\n", static_cast<unsigned long long>(expected));
  return paths.accepted == expected && paths.delivered == expected ? 0 : 1;
}
