#include "file/group_commit.h"

#include <new>

namespace tracking::file_log {
namespace {

// Frames that are kept for use again.
constexpr std::size_t spare_frames_max = 16;

}  // namespace

GroupCommit::GroupCommit(Store& store, std::shared_ptr<history::EventHistory> live, const CommitSettings& settings,
                         std::function<void()> housekeeping)
    : settings_(settings),
      store_(store),
      live_(std::move(live)),
      housekeeping_(std::move(housekeeping)),
      writer_(store) {
  if (!writer_.prepare()) begin_refusing();
  housekeeping_due_ = std::chrono::steady_clock::now();
  thread_ = std::thread([this] { run(); });
}

GroupCommit::~GroupCommit() {
  constexpr auto patience = std::chrono::seconds(10);
  if (thread_.joinable()) close(patience).ignore();
}

void GroupCommit::publish(const Lines& lines, Completion done) {
  std::size_t bytes = 0;
  Code code = Code::ok;
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    code = admit(lines, bytes);
    if (code == Code::ok) {
      was_empty = queue_.empty();
      try {
        add(lines, done);
        queue_.bytes += bytes;
      } catch (const std::bad_alloc&) {
        code = Code::in_doubt;  // some of the lines are in the queue
      }
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

void GroupCommit::add(const Lines& lines, Completion& done) {
  const bool waits = lines.ack() == AckLevel::stored;
  if (waits && queue_.waiting.size() == queue_.waiting.capacity())
    queue_.waiting.reserve(2 * queue_.waiting.size() + 64);
  for (const Line& line : lines) frame_for(line).add(line);
  if (waits) {
    queue_.waiting.push_back(std::move(done));
  } else {
    queue_.sent_events += lines.size();
  }
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

Status GroupCommit::health() {
  const std::lock_guard lock(mutex_);
  if (is_closing_) return {Code::closed, "the log is closed"};
  return refusal_.empty() ? Status() : Status(Code::broker_unavailable, refusal_);
}

void GroupCommit::run() {
  while (take_group()) {
    if (!group_.frames.empty()) {
      write_group();
    } else if (!writer_.failure().empty()) {
      try_to_repair();
    }
    keep_house();
  }
  const Status closed = writer_.close();
  const std::lock_guard lock(mutex_);
  has_ended_ = true;
  end_status_ = closed;
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
  frames_.clear();
  lines_.clear();
  for (const auto& frame : group_.frames) {
    if (frame->empty()) continue;
    frames_.push_back(frame.get());
    frame->append_lines(lines_);
  }
  const Code code = writer_.append(frames_);
  if (code == Code::ok) {
    live_->append_all(Lines(lines_, AckLevel::stored));
    writer_.show();
  }
  finish_group(code);
  if (code != Code::ok) begin_refusing();
}

void GroupCommit::finish_group(Code code) {
  if (code != Code::ok && group_.sent_events > 0) {
    store_.say(LogLevel::warning,
               std::to_string(group_.sent_events) + " events that were acknowledged as sent could not be stored");
  }
  {
    const std::lock_guard lock(mutex_);
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

void GroupCommit::begin_refusing() {
  store_.say(LogLevel::error, "events are refused: " + writer_.failure());
  Group refused;
  {
    const std::lock_guard lock(mutex_);
    refusal_ = "the log " + store_.settings().directory + " cannot be written to: " + writer_.failure();
    std::swap(refused, queue_);
  }
  // They were not written, so this is certain.
  if (refused.sent_events > 0) {
    store_.say(LogLevel::warning,
               std::to_string(refused.sent_events) + " events that were acknowledged as sent could not be stored");
  }
  for (Completion& done : refused.waiting) done.all(Code::broker_unavailable);
}

void GroupCommit::try_to_repair() {
  const std::string before = writer_.failure();
  if (writer_.repair()) {
    store_.say(LogLevel::info, "events are taken again");
    const std::lock_guard lock(mutex_);
    refusal_.clear();
  } else if (writer_.failure() != before) {
    const std::lock_guard lock(mutex_);
    refusal_ = "the log " + store_.settings().directory + " cannot be written to: " + writer_.failure();
  }
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

Status GroupCommit::close(std::chrono::milliseconds deadline) {
  std::vector<Completion> given_up;
  Group refused;
  {
    std::unique_lock lock(mutex_);
    is_closing_ = true;
    changed_.notify_all();
    if (changed_.wait_for(lock, deadline, [this] { return has_ended_; })) {
      lock.unlock();
      if (thread_.joinable()) thread_.join();
      return end_status_;
    }
    given_up.swap(group_.waiting);
    std::swap(refused, queue_);
  }
  // The disk does not answer. The thread ends when it does, if ever.
  if (thread_.joinable()) thread_.detach();
  for (Completion& done : given_up) done.all(Code::in_doubt);
  for (Completion& done : refused.waiting) done.all(Code::broker_unavailable);
  return {Code::timed_out,
          "the disk did not answer by the deadline: the log " + store_.settings().directory + " was not flushed"};
}

bool GroupCommit::has_ended() {
  const std::lock_guard lock(mutex_);
  return has_ended_;
}

}  // namespace tracking::file_log
