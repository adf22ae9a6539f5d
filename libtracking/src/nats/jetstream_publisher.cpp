#include "nats/jetstream_publisher.h"

#include <algorithm>
#include <charconv>

#include "codec/no_memory.h"
#include "nats/jetstream_json.h"

namespace tracking::jetstream {
namespace {

constexpr std::size_t queue_bytes_max = 32 << 20;   // on their way to the I/O thread: two of the largest arrays
constexpr std::size_t prompt_bytes_max = 1 << 20;   // of these, what is as good as sent
constexpr auto held_max = std::chrono::seconds(1);  // and up to a tick more
constexpr std::chrono::nanoseconds tick = std::chrono::seconds(1);

// Error codes of nats-server, server/errors.json.
constexpr std::int64_t store_failed = 10'077;  // in words: full, or a failing disk
constexpr std::int64_t message_too_large = 10'054;

PubAck read_error(const JsonObject& error) noexcept {
  PubAck ack{.code = Code::broker_unavailable, .reason = error.text("description")};
  const auto code = error.number("err_code");
  if (code == message_too_large) ack.code = Code::too_large;
  ack.is_full = code == store_failed && ack.reason.starts_with("maximum ");
  return ack;
}

void refuse_others(const Lines& lines, const nats_io::PublishQueue::Pushed& pushed, Completion& done) noexcept {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i >= pushed.refused_from) {
      done.one(i, {.code = pushed.code});
    } else if (lines[i].json.size() > pushed.line_bytes_max) {
      done.one(i, {.code = Code::too_large});
    }
  }
}

}  // namespace

PubAck read_pub_ack(std::string_view answer) noexcept {
  const auto object = JsonObject::parse(answer);
  if (!object) return {.code = Code::in_doubt, .reason = "an answer that is no JSON"};
  if (const auto error = object->object("error")) return read_error(*error);
  const auto position = object->position("seq");
  if (position == 0) return {.code = Code::in_doubt, .reason = "an answer without a position"};
  return {.is_duplicate = object->is_true("duplicate"), .position = position};
}

Publisher::Publisher(std::chrono::milliseconds ack_wait, Clock& clock)
    : patience_(std::max<std::chrono::nanoseconds>(ack_wait - tick, tick / 2)),
      clock_(clock),
      queue_(queue_bytes_max, prompt_bytes_max),
      slots_(window) {}

void Publisher::publish(const Lines& lines, Completion done) noexcept {
  const bool wants_ack = lines.ack() != AckLevel::sent;
  nats_io::PublishQueue::Pushed pushed;
  Group* group = nullptr;
  bool is_done = false;
  bool has_others = false;
  {
    const std::lock_guard lock(mutex_);
    // From here on nothing needs memory but the queue, which says how far it came.
    const bool has_memory = has_memory_for([&] {
      if (wants_ack) group = &take_group();
      runs_.emplace_back();
    });
    if (has_memory) {
      const std::size_t room = window - static_cast<std::size_t>(next_ - oldest_);
      const std::size_t count = wants_ack ? std::min(lines.size(), room) : lines.size();
      pushed = queue_.push(Lines({lines.begin(), count}, lines.ack()));
      if (pushed.refused_from == count && count < lines.size()) pushed.code = Code::overloaded;
    } else {
      pushed.code = Code::overloaded;
    }
    if (group && pushed.refused_from == 0) {
      free_groups_.push_back(std::exchange(group, nullptr));
    } else if (group) {
      runs_.back().number = next_;
      has_others = take_in(lines, pushed, *group);
      group->done.emplace(std::move(done));
      is_done = !has_others && --group->unanswered == 0;
    }
    if (has_memory) {
      for (std::size_t i = 0; i < pushed.refused_from; ++i)
        runs_.back().lines += lines[i].json.size() <= pushed.line_bytes_max;
      if (!wants_ack) sent_queued_.fetch_add(runs_.back().lines, std::memory_order_relaxed);
      if (runs_.back().lines == 0) runs_.pop_back();
    }
  }
  if (has_others) {
    refuse_others(lines, pushed, *group->done);
    const std::lock_guard lock(mutex_);
    is_done = --group->unanswered == 0;
  }
  if (is_done) return complete(*group);
  if (group) return;  // and else `done` was not moved
  // NOLINTBEGIN(bugprone-use-after-move)
  if (pushed.refused_from == 0 && pushed.code != Code::ok) return done.all(pushed.code);
  refuse_others(lines, pushed, done);
  if (!pushed.is_far_back || !queue_.hold(pushed, done)) done.all(AckLevel::sent);
  // NOLINTEND(bugprone-use-after-move)
}

// Lines that are in the queue get a number. True: there are others. The group does not end before these were refused.
bool Publisher::take_in(const Lines& lines, const nats_io::PublishQueue::Pushed& pushed, Group& group) noexcept {
  group.deadline = clock_.steady() + patience_;
  group.unanswered = 1;  // so that it does not end before all of them are in
  bool has_others = false;
  for (std::uint32_t i = 0; i < lines.size(); ++i) {
    if (i >= pushed.refused_from || lines[i].json.size() > pushed.line_bytes_max) {
      has_others = true;
      continue;
    }
    slot(next_++) = {&group, i};
    ++group.unanswered;
    ++unanswered_;
  }
  return has_others;
}

Publisher::Group& Publisher::take_group() {
  if (free_groups_.empty()) {
    free_groups_.reserve(groups_.size() + 1);
    free_groups_.push_back(&groups_.emplace_back());
  }
  Group& group = *free_groups_.back();
  free_groups_.pop_back();
  return group;
}

Publisher::Group* Publisher::end(Slot& slot, const Outcome& outcome) noexcept {
  Group* const group = std::exchange(slot.group, nullptr);
  if (outcome.code != Code::ok || outcome.duplicate) {
    const bool is_noted = has_memory_for([&] { group->others.emplace_back(slot.index, outcome); });
    group->has_lost_outcome = group->has_lost_outcome || !is_noted;
  }
  --unanswered_;
  return --group->unanswered == 0 ? group : nullptr;
}

void Publisher::advance() noexcept {
  while (oldest_ < next_ && !slot(oldest_).group) ++oldest_;
  if (unanswered_ > 0) return;
  no_stream_ = 0;
  idle_.notify_all();
}

void Publisher::settle(std::uint64_t number, const Outcome& outcome) noexcept {
  Group* finished = nullptr;
  Finished others;
  {
    const std::lock_guard lock(mutex_);
    // An answer that comes too late, or that nobody waits for.
    if (number < oldest_ || number >= next_ || !slot(number).group) return;
    finished = end(slot(number), outcome);
    end_those_without_stream(others);
    advance();
  }
  if (finished) complete(*finished);
  complete(others);
}

void Publisher::complete(Finished finished) noexcept {
  while (Group* const group = finished.take()) complete(*group);
}

void Publisher::complete(Group& group) noexcept {
  Completion done = std::move(*group.done);
  auto others = std::move(group.others);
  for (const auto& [index, outcome] : others) done.one(index, outcome);
  others.clear();
  bool is_doubtful = false;
  {
    const std::lock_guard lock(mutex_);
    group.done.reset();
    group.others = std::move(others);
    is_doubtful = std::exchange(group.has_lost_outcome, false);
    free_groups_.push_back(&group);  // for which there is room
  }
  is_doubtful ? done.all(Code::in_doubt) : done.all(AckLevel::stored);
}

bool Publisher::next(Message& message) noexcept {
  nats_io::PublishQueue::Message queued;
  if (!queue_.next(queued)) return false;
  if (run_.lines == 0) {
    const std::lock_guard lock(mutex_);
    run_ = runs_.front();
    runs_.pop_front();
  }
  --run_.lines;
  message = {.account_id = queued.account_id, .json = queued.json, .number = run_.number};
  if (run_.number != 0) {
    written_.store(run_.number++, std::memory_order_release);
  } else if (sent_queued_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    const std::lock_guard lock(mutex_);
    idle_.notify_all();
  }
  return true;
}

void Publisher::acknowledge(std::uint64_t number, const PubAck& ack) noexcept {
  if (ack.code == Code::ok) {
    // Only the I/O thread writes it.
    if (ack.position > acknowledged_.load(std::memory_order_relaxed))
      acknowledged_.store(ack.position, std::memory_order_release);
    return settle(number, {.ack = AckLevel::stored});
  }
  if (ack.is_full) full_.fetch_add(1, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    has_memory_for([&] { refusal_.assign(ack.reason); });
  }
  settle(number, {.code = ack.code});
}

void Publisher::acknowledge_repeat(std::uint64_t number, std::optional<Timestamp> first) noexcept {
  settle(number, {.ack = AckLevel::stored, .duplicate = true, .first_accepted = first});
}

void Publisher::no_stream() noexcept {
  Finished finished;
  {
    const std::lock_guard lock(mutex_);
    has_memory_for([&] { refusal_ = "no stream takes the events"; });
    ++no_stream_;
    end_those_without_stream(finished);
    advance();
  }
  // Until the keeper has looked what became of the stream; before anybody is told.
  if (!finished.empty()) queue_.stop();
  complete(finished);
}

void Publisher::end_those_without_stream(Finished& finished) noexcept {
  // After a time-out such an answer may be a late one, of an event that waits no more.
  if (no_stream_ == 0 || has_expired_) return;
  const std::uint64_t written = written_.load(std::memory_order_acquire);
  const std::uint64_t unwritten = next_ - 1 - std::min(written, next_ - 1);
  if (no_stream_ + unwritten < unanswered_) return;
  end_up_to(written, Code::broker_unavailable, finished);
  no_stream_ = 0;
}

void Publisher::open(std::size_t line_bytes_max) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (unanswered_ == 0) has_expired_ = false;
  }
  queue_.open(line_bytes_max);
}

void Publisher::stop() noexcept { queue_.stop(); }

void Publisher::disconnect() noexcept {
  queue_.close();
  sent_queued_.store(0, std::memory_order_relaxed);
  Finished finished;
  {
    const std::lock_guard lock(mutex_);
    end_up_to(written_.load(std::memory_order_acquire), Code::in_doubt, finished);
    end_up_to(next_ - 1, Code::broker_unavailable, finished);
    runs_.clear();
    run_ = {};
    no_stream_ = 0;
    has_expired_ = false;
    advance();
  }
  complete(finished);
}

void Publisher::give_up() noexcept {
  queue_.give_up_held();
  Finished finished;
  {
    const std::lock_guard lock(mutex_);
    end_up_to(next_ - 1, Code::in_doubt, finished);
    advance();
  }
  complete(finished);
}

void Publisher::end_up_to(std::uint64_t last, Code code, Finished& finished) noexcept {
  for (std::uint64_t number = oldest_; number <= std::min(last, next_ - 1); ++number) {
    if (!slot(number).group) continue;
    if (Group* const group = end(slot(number), {.code = code})) finished.add(*group);
  }
}

void Publisher::expire() noexcept {
  queue_.tell_held_since(std::chrono::steady_clock::now() - held_max);
  Finished finished;
  {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.steady();
    // Deadlines come in the order of numbers.
    for (std::uint64_t number = oldest_; number < next_; ++number) {
      if (!slot(number).group) continue;
      if (slot(number).group->deadline > now) break;
      has_expired_ = true;
      timed_out_.fetch_add(1, std::memory_order_relaxed);
      if (Group* const group = end(slot(number), {.code = Code::in_doubt})) finished.add(*group);
    }
    advance();
  }
  complete(finished);
}

bool Publisher::wait_until_idle(std::chrono::milliseconds time) noexcept {
  std::unique_lock lock(mutex_);
  return idle_.wait_for(lock, time,
                        [this] { return unanswered_ == 0 && sent_queued_.load(std::memory_order_acquire) == 0; });
}

Publisher::Counters Publisher::counters() const noexcept {
  return {.full = full_.load(std::memory_order_relaxed), .timed_out = timed_out_.load(std::memory_order_relaxed)};
}

std::string Publisher::take_refusal() {
  const std::lock_guard lock(mutex_);
  return std::exchange(refusal_, {});
}

}  // namespace tracking::jetstream
