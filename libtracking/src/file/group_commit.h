// The queue in front of the log: whoever writes takes along all that queued meanwhile.
#pragma once

#include <tracking/broker.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "file/store_writer.h"
#include "history/event_history.h"

namespace tracking::file_log {

struct CommitSettings {
  /// Of frames that wait to be written, beside those that are being written; more is `overloaded`. What waited is one
  /// write, so it is below write_bytes_max.
  std::size_t queue_bytes_max = 16 << 20;
  /// How often it is tried to write again after a failure.
  std::chrono::milliseconds repair_every{200};
  /// How often `housekeeping` is called.
  std::chrono::milliseconds housekeeping_every{60'000};
};

/// Thread-safe. A thread of its own writes and syncs; events go to `live` after that, and never before.
class GroupCommit {
 public:
  /// `housekeeping` is called now and then, and whenever a segment was completed, on the thread that writes; it must
  /// not throw.
  GroupCommit(Store& store, std::shared_ptr<history::EventHistory> live, const CommitSettings& settings,
              std::function<void()> housekeeping);
  /// Ends the thread, or, if a call into the disk does not return, leaves it behind.
  ~GroupCommit();

  void publish(const Lines& lines, Completion done) noexcept;
  Status health() noexcept;
  /// Writes what is queued and completes the segment. At the deadline the rest is completed: what is being written as
  /// in doubt.
  Status close(std::chrono::milliseconds deadline) noexcept;
  /// False if a call into the disk did not return by the deadline of close(): what it uses must stay.
  bool has_ended();

  static constexpr std::size_t line_bytes_max = 1 << 20;

 private:
  struct Group {
    std::vector<std::unique_ptr<FrameBuilder>> frames;
    std::vector<Completion> waiting;  // for `stored`
    std::size_t bytes = 0;
    std::size_t sent_events = 0;  // whose answer was given already

    bool empty() const noexcept { return frames.empty() && waiting.empty(); }
  };

  // mutex_ held.
  Code admit(const Lines& lines, std::size_t& bytes) const;
  /// Of all lines or of none.
  Code add(const Lines& lines, Completion& done) noexcept;
  FrameBuilder& frame_for(const Line& line);

  // The thread that writes.
  void run() noexcept;
  bool take_group();
  void write_group();
  Code begin_group() noexcept;
  void finish_group(Code code) noexcept;
  void begin_refusing() noexcept;
  void set_refusal() noexcept;  // mutex_ held
  void say_lost(std::size_t sent_events) noexcept;
  void try_to_repair();
  void keep_house();

  const CommitSettings settings_;
  Store& store_;
  const std::shared_ptr<history::EventHistory> live_;
  const std::function<void()> housekeeping_;
  StoreWriter writer_;                                        // the thread's, once it runs
  Group group_;                                               // being written; its `waiting` is guarded by mutex_
  std::vector<FrameBuilder*> frames_;                         // the thread's scratch
  std::vector<Line> lines_;                                   // the thread's scratch
  std::vector<Completion> completed_;                         // the thread's scratch
  std::chrono::steady_clock::time_point housekeeping_due_{};  // the thread's

  std::mutex mutex_;  // guards all that follows
  std::condition_variable changed_;
  Group queue_;
  std::vector<std::unique_ptr<FrameBuilder>> spare_;
  std::string refusal_;  // why nothing is taken; empty while all is well
  bool is_closing_ = false;
  bool has_ended_ = false;
  Status end_status_;
  std::thread thread_;
};

}  // namespace tracking::file_log
