// Events on their way from publishing threads to the I/O thread.
#pragma once

#include <tracking/broker.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

namespace tracking::nats_io {

/// A bounded queue of copied lines, in blocks that are used again. It takes lines only while it is open, so nothing is
/// kept for a server that is not there. Lines that stand far back are told as sent only once those before them are
/// written, so that whoever waits for that publishes at the server's pace. Thread-safe.
class PublishQueue {
 public:
  struct Message {
    AccountId account_id = 0;
    std::string_view json = {};  ///< valid until next() is called again
  };

  /// What became of a push: lines before `refused_from` were taken, unless they are longer than the server takes.
  struct Pushed {
    std::size_t refused_from = 0;
    Code code = Code::ok;  ///< of those from there on
    std::size_t line_bytes_max = 0;
    bool has_too_large = false;
    bool is_far_back = false;          ///< hold() the completion
    std::uint64_t begin = 0, end = 0;  ///< where they stand among all bytes that were ever taken
  };

  /// Lines within the first `prompt_bytes_max` are as good as written.
  PublishQueue(std::size_t bytes_max, std::size_t prompt_bytes_max)
      : bytes_max_(bytes_max), prompt_bytes_max_(prompt_bytes_max) {
    free_.reserve(free_blocks_max);
  }

  /// After the first line that does not fit no other is taken, so that the order holds.
  Pushed push(const Lines& lines) noexcept;
  /// Takes over the completion of lines that are far back; false = they are not any more, or there is no memory: it is
  /// the caller's still.
  bool hold(const Pushed& pushed, Completion& done) noexcept;

  void open(std::size_t line_bytes_max) noexcept;
  bool is_open() const noexcept;
  /// Takes nothing more; what is queued stays, to be written.
  void stop() noexcept;
  /// The same for good: it is not opened again.
  void end() noexcept;
  /// How many lines were taken so far.
  std::uint64_t taken() noexcept;
  /// How many of these are waiting.
  std::uint64_t waiting() noexcept;
  /// Waits until that many lines were handed to cnats, or dropped. False: they were not in time.
  bool wait_handed(std::uint64_t count, std::chrono::milliseconds time) noexcept;
  /// Takes nothing more and drops what is queued: what was held fails. The I/O thread does not call next() meanwhile.
  void close() noexcept;
  /// Tells as sent what is held for so long: a request does not wait for a server that stands still.
  void tell_held_since(std::chrono::steady_clock::time_point time) noexcept;
  /// Tells as in doubt what is held: it may still be written.
  void give_up_held() noexcept;

  // The I/O thread.
  bool has_messages() noexcept;
  bool next(Message& message) noexcept;
  /// Tells as sent what is held and not far back any more.
  void tell_near() noexcept;

 private:
  struct Held {
    std::uint64_t begin = 0, end = 0;
    std::chrono::steady_clock::time_point since{};
    std::optional<Completion> done = std::nullopt;
  };
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t capacity = 0;
    std::size_t used = 0;
    std::size_t read = 0;
    std::uint64_t lines = 0;
  };
  static constexpr std::size_t block_bytes = 128 << 10;
  static constexpr std::size_t free_blocks_max = 8;

  void append(const Line& line);
  Block take_block(std::size_t bytes_needed);
  void recycle(Block block) noexcept;
  void count_handed();
  bool is_near(std::uint64_t end) const noexcept { return end <= read_bytes_ + prompt_bytes_max_; }
  template <class IsDue, class Tell>
  void tell_while(IsDue is_due, Tell tell) noexcept;

  const std::size_t bytes_max_;
  const std::size_t prompt_bytes_max_;
  mutable std::mutex mutex_;
  std::condition_variable handed_changed_;
  // Guarded by mutex_.
  bool is_open_ = false;
  bool has_ended_ = false;
  std::uint64_t taken_ = 0, handed_ = 0;  // lines
  std::size_t line_bytes_max_ = 0;
  std::size_t bytes_ = 0;         // used in blocks_
  std::uint64_t read_bytes_ = 0;  // of all that were ever taken: in blocks that were read, or dropped
  std::deque<Block> blocks_;
  std::deque<Held> held_;
  std::vector<Block> free_;

  Block reading_;  // the I/O thread's
};

}  // namespace tracking::nats_io
