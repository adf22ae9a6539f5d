// LoadRun: requests, answers and deliveries.
#include "codec/rfc3339.h"
#include "load_run.h"

#include <chrono>

namespace tracking::cli {

// When the next request of an open loop is due. Computed from the beginning, so that no error adds up.
std::int64_t LoadRun::next_due_ns() const {
  const double distance = 1e9 * static_cast<double>(settings_.batch) / static_cast<double>(settings_.rate);
  return schedule_from_ns_ + static_cast<std::int64_t>(static_cast<double>(scheduled_) * distance);
}

// A request that finds no free connection keeps its time, and is started when there is one: its waiting counts.
void LoadRun::start_due(std::int64_t now) {
  while (!idle_.empty()) {
    const std::int64_t due_ns = next_due_ns();
    if (due_ns > now) return;
    ++scheduled_;
    const std::size_t index = idle_.front();
    idle_.pop_front();
    start(index, due_ns, now);
  }
}

void LoadRun::start(std::size_t index, std::int64_t due_ns, std::int64_t now) {
  Sender& sender = senders_[index];
  if (sender.activity != Activity::idle) return;  // being connected again
  const auto request = maker_.next(due_ns);
  sender.activity = Activity::busy;
  sender.due_ns = due_ns;
  sender.deadline_ns = now + settings_.timeout.count() * 1'000'000;
  ++senders_busy_;
  const auto sent = sender.socket.send(request);
  if (sent < 0) return drop(index, "connection lost", now);
  if (static_cast<std::size_t>(sent) == request.size()) return;
  sender.rest = request.substr(static_cast<std::size_t>(sent));
  sender.waits_for_room = true;
  watch(sender.socket, index, false, true);
}

void LoadRun::answered(std::size_t index, const Answer& answer, std::int64_t now) {
  Sender& sender = senders_[index];
  const bool counts = is_measured(sender.due_ns);
  std::map<std::string, std::uint64_t> unmeasured;
  const std::uint64_t accepted =
      tally_answer(answer.status, answer.body, settings_.batch, counts ? result_.errors : unmeasured);
  accepted_total_ += accepted;
  sender.has_worked = true;
  if (counts) {
    result_.latency.record(now - sender.due_ns);
    ++result_.requests;
    result_.accepted += accepted;
    if (now < measured_to_ns_) {
      ++result_.requests_in_time;
      result_.accepted_in_time += accepted;
    }
  }
  if (answer.closes || sender.waits_for_room) {  // an answer to half a request: the rest would be taken for the next
    --senders_busy_;
    sender.activity = Activity::idle;
    return drop(index, "", now);
  }
  --senders_busy_;
  now_idle(index, now);
}

void LoadRun::delivered(std::string_view line, std::int64_t now) {
  const auto due_ns = maker_.due_of(line);
  if (!due_ns) return;
  ++result_.delivered;
  if (!is_measured(*due_ns)) return;
  result_.delivery.record(now - *due_ns);
  if (taps_.size() > 1 && last_deliveries_.count(*due_ns)) result_.last_delivery.record(now - *due_ns);
  constexpr std::string_view name = R"("timestamp":")";
  const auto at = line.find(name);
  if (at == std::string_view::npos) return;
  const auto accepted = codec::parse_rfc3339(line.substr(at + name.size(), codec::rfc3339_size));
  if (!accepted) return;
  const auto wall = std::chrono::system_clock::now() - *accepted;
  result_.accept_to_delivery.record(std::chrono::duration_cast<std::chrono::nanoseconds>(wall).count());
}

}  // namespace tracking::cli
