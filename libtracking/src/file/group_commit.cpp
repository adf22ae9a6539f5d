#include "file/group_commit.h"

#include <sched.h>
#include <tracking/completion_burst.h>

namespace tracking::file_log {
namespace {

// Frames that are kept for use again.
constexpr std::size_t spare_frames_max = 16;

// Has this thread, when it wakes on a core that is busy, wait its turn in place of interrupting who is at work there:
// that is mostly who publishes, and what it publishes until then is in the same sync. On an idle core, which is where
// the kernel puts it if there is one, nothing changes. (SCHED_BATCH, sched(7); no privilege is needed.)
void wait_for_turn() noexcept {
  if (::sched_getscheduler(0) != SCHED_OTHER) return;  // chosen by who started the process
  const sched_param without_priority{};
  // Of this thread, not of those that it makes.
  ::sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, &without_priority);
}

}  // namespace

GroupCommit::GroupCommit(Store& store, std::shared_ptr<history::EventHistory> live, const CommitSettings& settings,
                         std::function<void()> housekeeping)
    : settings_(settings),
      store_(store),
      live_(std::move(live)),
      housekeeping_(std::move(housekeeping)),
      writer_(store) {
  spare_.reserve(spare_frames_max);
  if (!writer_.prepare()) begin_refusing();
  housekeeping_due_ = std::chrono::steady_clock::now();
  thread_ = std::thread([this] { run(); });
}

GroupCommit::~GroupCommit() {
  constexpr auto patience = std::chrono::seconds(10);
  if (thread_.joinable()) close(patience).ignore();
}

void GroupCommit::publish(const Lines& lines, Completion done) noexcept {
  std::size_t bytes = 0;
  Code code = Code::ok;
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    code = admit(lines, bytes);
    if (code == Code::ok) {
      was_empty = queue_.empty();
      code = add(lines, done);
      if (code == Code::ok) queue_.bytes += bytes;
    }
  }
  if (was_empty) changed_.notify_all();
  if (code != Code::ok) return done.all(code);
  if (lines.ack() != AckLevel::stored) done.all(AckLevel::sent);
}

Code GroupCommit::admit(const Lines& lines, std::size_t& bytes) const {
  if (is_closing_) return Code::closed;
  if (!refusal_.empty()) return Code::broker_unavailable;
  for (const Line& line : lines) {
    if (line.json.size() > line_bytes_max) return Code::too_large;
    bytes += line.json.size() + sizeof(Record);
  }
  return queue_.bytes + bytes > settings_.queue_bytes_max ? Code::overloaded : Code::ok;
}

Code GroupCommit::add(const Lines& lines, Completion& done) noexcept {
  const bool waits = lines.ack() == AckLevel::stored;
  const std::size_t frames = queue_.frames.size();
  const FrameBuilder::Mark mark = frames > 0 ? queue_.frames.back()->mark() : FrameBuilder::Mark();
  const auto add_all = [&] {
    if (waits && queue_.waiting.size() == queue_.waiting.capacity())
      queue_.waiting.reserve(2 * queue_.waiting.size() + 64);
    for (const Line& line : lines) frame_for(line).add(line);
  };
  if (!has_memory_for(add_all)) {
    queue_.frames.erase(queue_.frames.begin() + static_cast<std::ptrdiff_t>(frames), queue_.frames.end());
    if (frames > 0) queue_.frames.back()->cut(mark);
    return Code::overloaded;
  }
  if (waits) {
    queue_.waiting.push_back(std::move(done));
  } else {
    queue_.sent_events += lines.size();
  }
  return Code::ok;
}

FrameBuilder& GroupCommit::frame_for(const Line& line) {
  if (!queue_.frames.empty() && queue_.frames.back()->has_room_for(line)) return *queue_.frames.back();
  if (spare_.empty()) {
    queue_.frames.push_back(std::make_unique<FrameBuilder>());
  } else {
    queue_.frames.push_back(std::move(spare_.back()));
    spare_.pop_back();
  }
  return *queue_.frames.back();
}

Status GroupCommit::health() noexcept {
  return unless_no_memory(Code::broker_unavailable, [this]() -> Status {
    const std::lock_guard lock(mutex_);
    if (is_closing_) return {Code::closed, "the log is closed"};
    return refusal_.empty() ? Status() : Status(Code::broker_unavailable, refusal_);
  });
}

void GroupCommit::run() noexcept {
  wait_for_turn();
  while (take_group()) {
    if (!group_.frames.empty()) {
      write_group();
    } else if (!writer_.failure().empty()) {
      try_to_repair();
    }
    keep_house();
  }
  Status closed = writer_.close();
  const std::lock_guard lock(mutex_);
  has_ended_ = true;
  end_status_ = std::move(closed);
  changed_.notify_all();
}

// Waits until there is something to write, or to be tried again. False when it is closed and all is written.
bool GroupCommit::take_group() {
  std::unique_lock lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  const auto due = refusal_.empty() ? housekeeping_due_ : now + settings_.repair_every;
  changed_.wait_until(lock, due, [this] { return !queue_.empty() || is_closing_; });
  std::swap(queue_, group_);
  return !group_.empty() || !is_closing_;
}

void GroupCommit::write_group() {
  Code code = begin_group();
  const Lines lines(lines_, AckLevel::stored);
  history::EventHistory::Prepared prepared;
  if (code == Code::ok) {
    prepared = live_->prepare(lines);  // while the disk works
    code = writer_.finish();
  }
  const CompletionBurst burst;  // who waits for several of these events, such as an event loop, is woken once
  if (code == Code::ok) {
    live_->append_all(lines, prepared);
    writer_.show();
  }
  finish_group(code);
  // Without memory it was this group alone.
  if (!writer_.failure().empty()) begin_refusing();
}

Code GroupCommit::begin_group() noexcept {
  const auto collect = [this] {
    frames_.clear();
    lines_.clear();
    for (const auto& frame : group_.frames) {
      if (frame->empty()) continue;
      frames_.push_back(frame.get());
      frame->append_lines(lines_);
    }
  };
  return has_memory_for(collect) ? writer_.begin(frames_) : Code::overloaded;
}

void GroupCommit::finish_group(Code code) noexcept {
  if (code != Code::ok) say_lost(group_.sent_events);
  {
    const std::lock_guard lock(mutex_);
    if (!writer_.failure().empty()) set_refusal();  // who is told that its event failed finds that the log refuses
    completed_.swap(group_.waiting);
    for (auto& frame : group_.frames) {
      if (spare_.size() == spare_frames_max) break;
      frame->clear();
      spare_.push_back(std::move(frame));
    }
  }
  group_.frames.clear();
  group_.bytes = 0;
  group_.sent_events = 0;
  for (Completion& done : completed_) code == Code::ok ? done.all(AckLevel::stored) : done.all(code);
  completed_.clear();
}

void GroupCommit::begin_refusing() noexcept {
  store_.say(LogLevel::error, [this] { return "events are refused: " + writer_.failure(); });
  Group refused;
  {
    const std::lock_guard lock(mutex_);
    set_refusal();
    std::swap(refused, queue_);
  }
  // They were not written, so this is certain.
  say_lost(refused.sent_events);
  for (Completion& done : refused.waiting) done.all(Code::broker_unavailable);
}

void GroupCommit::set_refusal() noexcept {
  const auto describe = [this] {
    refusal_ = "the log " + store_.settings().directory + " cannot be written to: " + writer_.failure();
  };
  if (!has_memory_for(describe)) refusal_ = "it fails";  // short enough to need none
}

void GroupCommit::say_lost(std::size_t sent_events) noexcept {
  if (sent_events == 0) return;
  store_.say(LogLevel::warning, [&] {
    return std::to_string(sent_events) + " events that were acknowledged as sent could not be stored";
  });
}

void GroupCommit::try_to_repair() {
  const bool is_repaired = writer_.repair();
  if (is_repaired) store_.say(LogLevel::info, [] { return std::string("events are taken again"); });
  const std::lock_guard lock(mutex_);
  is_repaired ? refusal_.clear() : set_refusal();
}

void GroupCommit::keep_house() {
  const auto now = std::chrono::steady_clock::now();
  const bool is_due = now >= housekeeping_due_;
  if (is_due) {
    const bool was_well = writer_.failure().empty();
    writer_.complete_if_old();
    if (was_well && !writer_.failure().empty()) begin_refusing();
    housekeeping_due_ = now + settings_.housekeeping_every;
  }
  if (writer_.take_has_completed() || is_due) housekeeping_();
}

Status GroupCommit::close(std::chrono::milliseconds deadline) noexcept {
  std::vector<Completion> given_up;
  Group refused;
  {
    std::unique_lock lock(mutex_);
    is_closing_ = true;
    changed_.notify_all();
    if (changed_.wait_for(lock, deadline, [this] { return has_ended_; })) {
      lock.unlock();
      if (thread_.joinable()) thread_.join();
      return unless_no_memory(Code::broker_unavailable, [this] { return end_status_; });
    }
    given_up.swap(group_.waiting);
    std::swap(refused, queue_);
  }
  // The disk does not answer. The thread ends when it does, if ever.
  if (thread_.joinable()) thread_.detach();
  for (Completion& done : given_up) done.all(Code::in_doubt);
  for (Completion& done : refused.waiting) done.all(Code::broker_unavailable);
  return unless_no_memory(Code::timed_out, [this]() -> Status {
    return {Code::timed_out,
            "the disk did not answer by the deadline: the log " + store_.settings().directory + " was not flushed"};
  });
}

bool GroupCommit::has_ended() {
  const std::lock_guard lock(mutex_);
  return has_ended_;
}

}  // namespace tracking::file_log
