// The threads that read the log for subscribers, so that no event loop waits for a disk.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace tracking::file_log {

/// What reads on such a thread, a piece at a time.
class ReadAhead {
 public:
  ReadAhead() = default;
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;
  virtual ~ReadAhead();
  /// Reads a piece, and returns how many bytes of memory it takes.
  virtual std::size_t fill() noexcept = 0;
  /// There was no memory to enter the piece: it goes, and no other will be asked for.
  virtual void fail() noexcept = 0;
  /// The piece has been entered: its consumer may have it.
  virtual void announce() noexcept = 0;
  /// Lets go of all pieces, and says so by ScanThreads::released(); they will be read again.
  virtual void drop() noexcept = 0;
};

/// Thread-safe.
class ScanThreads {
 public:
  struct Settings {
    unsigned threads = 2;
    /// What pieces that were not consumed yet may take together. Then whoever did not touch its own for `kept_for`
    /// loses them to the others.
    std::size_t bytes_max = 16 << 20;
    std::chrono::milliseconds kept_for{1'000};
  };
  /// Throws if there is no memory, or no thread to be had.
  explicit ScanThreads(const Settings& settings);
  ~ScanThreads();
  ScanThreads(const ScanThreads&) = delete;
  ScanThreads& operator=(const ScanThreads&) = delete;

  /// Has fill() and announce() called soon, unless the reader is gone by then.
  void request(std::weak_ptr<ReadAhead> reader);
  /// So many bytes of the reader's were consumed or dropped.
  void released(const ReadAhead* reader, std::size_t bytes) noexcept;
  /// Runs something else, which must not throw, on one of the threads.
  void run(std::function<void()> work);

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  struct Holder {
    std::weak_ptr<ReadAhead> reader;
    std::size_t bytes = 0;
    SteadyTime touched{};
  };

  void stop() noexcept;
  void work() noexcept;
  void serve(const std::weak_ptr<ReadAhead>& request);
  void enter(const std::shared_ptr<ReadAhead>& reader, std::size_t bytes);
  /// mutex_ held; it may be let go meanwhile, so that all must be looked at again if it says false.
  bool has_room(std::unique_lock<std::mutex>& lock);

  const Settings settings_;
  std::mutex mutex_;  // guards all that follows
  std::condition_variable changed_;
  std::deque<std::weak_ptr<ReadAhead>> requests_;
  std::deque<std::function<void()>> other_work_;
  std::unordered_map<const ReadAhead*, Holder> holders_;
  std::size_t bytes_ = 0;
  bool is_stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace tracking::file_log
