// A client's request, and its lane: between the routes and the engine, where receipts can be seen.
#pragma once

#include "faults/simulation/world.h"

namespace tracking::simulation {

/// A request under way. Its body lives until it was answered.
struct World::Post final : web::Reply {
  void answer(const web::Answer& given) noexcept override {
    ++answers;
    status = given.status;
    body_answered = given.body;
  }
  std::string body;
  std::vector<std::uint64_t> serials;
  bool is_lines = false;
  int answers = 0;
  int status = 0;
  std::string body_answered;
};

class World::TapLane final : public Lane {
 public:
  TapLane(World& world, std::unique_ptr<Lane> lane) : world_(world), lane_(std::move(lane)) {}

  void track(std::span<const Event> events, ReceiptHandler done, TrackOptions options) noexcept override;

 private:
  World& world_;
  const std::unique_ptr<Lane> lane_;
};

}  // namespace tracking::simulation
