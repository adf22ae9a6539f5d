#include "faults/simulation/stored_log.h"

#include <charconv>

namespace tracking::simulation {
namespace {

/// The memory broker's own answer is not waited for: it takes all.
struct Taken final : CompletionTarget {
  void resolve(std::size_t, const Outcome&) noexcept override {}
  void finish(const Outcome& outcome) noexcept override { code = outcome.code; }
  Code code = Code::in_doubt;
};

}  // namespace

std::uint64_t serial_of(std::string_view line) {
  constexpr std::string_view member = "{\"n\":";
  const auto at = line.rfind(member);
  std::uint64_t serial = 0;
  if (at != std::string_view::npos)
    std::from_chars(line.data() + at + member.size(), line.data() + line.size(), serial);
  return serial;
}

void RecordingBroker::publish(Lines lines, Completion done) noexcept {
  Taken taken;
  memory_->publish(lines, Completion(taken));
  if (taken.code != Code::ok) return done.all(taken.code);
  const AckLevel level = lines.ack() == AckLevel::sent ? AckLevel::sent : AckLevel::stored;
  for (const Line& line : lines) record(line, level);
  if (!random_.chance(answers_lost_percent_)) return done.all(level);
  // Answers for the first few, and none for the rest.
  const std::size_t answered = random_.below(lines.size());
  for (std::size_t i = 0; i < answered; ++i) done.one(i, {.code = Code::ok, .ack = level});
}

void RecordingBroker::record(const Line& line, AckLevel level) {
  const auto fields = parse_event_line(line.json);
  if (!fields) {
    complaint_ = "no event line: " + std::string(line.json);
    return;
  }
  const Stored stored{.serial = serial_of(line.json),
                      .account_id = line.account_id,
                      .producer = std::string(fields->producer),
                      .sequence = fields->sequence};
  if (!levels_.emplace(stored.serial, level).second)
    complaint_ = "event " + std::to_string(stored.serial) + " was stored twice";
  auto& sequence = sequences_[{stored.producer, stored.account_id}];
  if (stored.sequence <= sequence)
    complaint_ = "event " + std::to_string(stored.serial) + " has a number that is not above the one before it";
  sequence = stored.sequence;
  auto& timestamp = timestamps_[stored.producer];
  if (fields->timestamp < timestamp) complaint_ = "event " + std::to_string(stored.serial) + " went back in time";
  timestamp = fields->timestamp;
  log_.push_back(stored);
}

}  // namespace tracking::simulation
