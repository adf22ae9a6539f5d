// The writing side of the log: groups of frames, each one write and one sync.
#pragma once

#include <tracking/code.h>

#include <memory>
#include <span>
#include <string>
#include <utility>

#include "file/frame_builder.h"
#include "file/store.h"

namespace tracking::file_log {

/// One thread at a time. After a failure nothing is written until repair() has succeeded. Memory is taken before
/// anything is written, so that where there is none nothing has happened: the next call tries again.
class StoreWriter {
 public:
  explicit StoreWriter(Store& store);

  /// Makes sure that there is a segment to write to. False: failure() says why there is none.
  bool prepare() noexcept;

  /// Writes the frames behind one another, and has the disk begin with them. ok: finish() is to be called next.
  /// broker_unavailable: none of them is on stable storage, nor will be. overloaded: there was no memory, and none of
  /// them is; failure() says nothing. in_doubt: nobody knows; they are cut off before anything else is written.
  Code begin(std::span<FrameBuilder* const> frames) noexcept;
  /// Waits for the disk. ok: the frames are on stable storage, and readers see them after show(). in_doubt: as above.
  Code finish() noexcept;
  /// Both.
  Code append(std::span<FrameBuilder* const> frames) noexcept;
  /// Lets readers of the store see what was appended.
  void show() noexcept;

  /// Empty while all is well; else what fails, for people.
  const std::string& failure() const noexcept { return failure_; }
  /// After a failure: makes a fresh start behind the last frame that is known to be synced. True if it worked.
  bool repair() noexcept;

  /// Completes the segment if its events will have expired soon, or it was made long ago, so that retention can take
  /// it.
  void complete_if_old() noexcept;
  /// Completes the segment: the next start finds its index, and knows what was stored.
  Status close() noexcept;

  /// Whether a segment was completed since the last call.
  bool take_has_completed() noexcept { return std::exchange(has_completed_, false); }

 private:
  enum class Trouble : std::uint8_t { none, write, sync };

  bool is_full(std::uint64_t more_bytes) const noexcept;
  bool ensure_segment();
  bool complete_segment_now();
  bool create_segment();
  bool ensure_space(std::uint64_t end);
  bool ensure_room();
  Code prepare_and_write(std::span<FrameBuilder* const> frames);
  Code write(std::span<FrameBuilder* const> frames);
  std::uint64_t add_zeros(std::uint64_t end);
  bool try_to_repair();
  Code take_back(const Io& why);
  Code doubt(const Io& why) noexcept;
  bool fail(Trouble trouble, const char* what, const Io& io) noexcept;
  bool verify(File& file);

  /// What begin() wrote and finish() makes true.
  struct Begun {
    std::uint64_t offset = 0;
    std::uint64_t written = 0;
    std::uint64_t next_position = 0;
    std::int64_t max_timestamp_us = 0;
  };

  Store& store_;
  std::shared_ptr<Segment> segment_;  // being written to; nullptr: the next append() makes one
  std::unique_ptr<File> file_;        // its file; nullptr after a failure
  std::uint64_t offset_ = 0;          // all before it is synced
  std::uint64_t allocated_ = 0;       // up to there space on the disk was taken
  std::uint64_t written_ = 0;         // up to there it was written and synced, with zeros from offset_ on
  std::uint64_t next_position_;
  std::int64_t max_timestamp_us_;
  Timestamp segment_created_{};
  std::string failure_;
  Trouble trouble_ = Trouble::none;
  bool has_completed_ = false;

  Begun begun_;  // valid from a begin() that succeeded to finish()

  struct Shown {
    FrameHeader header;
    std::uint64_t offset;
  };
  std::vector<Shown> unseen_;             // appended, not shown yet
  std::vector<std::string_view> pieces_;  // scratch
};

}  // namespace tracking::file_log
