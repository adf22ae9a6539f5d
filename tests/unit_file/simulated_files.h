// A file system in memory that tears, fails and loses power where it is told to.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "file/file_system.h"

namespace tracking::file_log::test {

/// What is left of unsynced changes after a power cut.
enum class PowerCut : std::uint8_t {
  dropped,    ///< nothing
  torn,       ///< a prefix of them, the last one in part
  reordered,  ///< any of them, in pieces of a disk's sectors
  none,       ///< the process alone was killed: everything stays
};

/// Thread-safe. Calls that change something are counted; each number may have a plan.
class SimulatedFiles final : public FileSystem {
 public:
  SimulatedFiles() = default;

  enum class Call : std::uint8_t { write, begin_sync, sync, resize, allocate, create, remove, rename, sync_directory };
  struct Plan {
    int error = 0;          ///< what the call fails with; 0 = not at all
    bool is_torn = false;   ///< a write that fails does half of its work
    bool is_crash = false;  ///< a part of it is done, and from there on every call fails
  };
  /// Decides about each changing call, by its number (1, 2, 3, ...) and kind.
  void set_plan(std::function<Plan(std::uint64_t number, Call call)> plan);
  std::uint64_t calls() const;

  /// Calls that change nothing are counted for themselves.
  enum class ReadCall : std::uint8_t { open, read, size };
  /// Decides about each of them, by its number (1, 2, 3, ...) and kind: the errno that it fails with; 0 = not at all.
  /// Called by many threads at a time, before the call does its work, without a lock held.
  void set_read_plan(std::function<int(std::uint64_t number, ReadCall call)> plan);

  bool has_crashed() const;

  /// Called in each sync, before it does its work, without a lock held.
  void set_sync_hook(std::function<void()> hook);

  /// How many bytes all files may have together; what is above fails with ENOSPC.
  void set_capacity(std::uint64_t bytes);

  /// The disk as a machine finds it that starts after a crash now.
  std::unique_ptr<SimulatedFiles> after(PowerCut cut, std::uint64_t seed) const;

  /// Everything that is in a file, to be looked at and tampered with.
  std::string content(const std::string& path) const;
  void set_content(const std::string& path, const std::string& content);
  std::vector<std::string> paths() const;
  /// Up to where writes of the file reached, as opposed to space that was taken for it.
  std::uint64_t written_until(const std::string& path) const;

  Io open(const std::string& path, OpenMode mode, std::unique_ptr<File>& file) noexcept override;
  Io make_directory(const std::string& path) noexcept override;
  Io list(const std::string& path, std::vector<std::string>& names) noexcept override;
  Io remove(const std::string& path) noexcept override;
  Io rename(const std::string& from, const std::string& to) noexcept override;
  Io sync_directory(const std::string& path) noexcept override;
  Io lock(const std::string& path, std::unique_ptr<DirectoryLock>& lock, std::string& holder) noexcept override;

 private:
  friend class SimulatedFile;
  friend class SimulatedLock;

  /// A change that is not on stable storage yet.
  struct Change {
    std::uint64_t offset = 0;
    std::string bytes = {};
    std::uint64_t resize_to = UINT64_MAX;
    bool is_lost = false;  ///< a sync failed: it is in memory, and will never be written
    void apply(std::string& content) const;
  };
  struct Inode {
    std::string synced;
    std::string current;
    std::vector<Change> changes;
    std::uint64_t written_until = 0;
    void change(Change change);
    void sync();
    void fail_sync();
    void drop_cache();
    std::string after(PowerCut cut, std::mt19937_64& random) const;
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>>;

  /// mutex_ held. What the plan says of this call, and whether all is over.
  Plan take(Call call);
  std::uint64_t used() const;
  /// mutex_ not held. What the read plan says of this call.
  int take_read(ReadCall call);

  mutable std::mutex mutex_;  // guards all that follows
  std::function<Plan(std::uint64_t, Call)> plan_;
  std::function<void()> sync_hook_;
  std::uint64_t calls_ = 0;
  std::function<int(std::uint64_t, ReadCall)> read_plan_;
  std::uint64_t read_calls_ = 0;
  std::uint64_t capacity_ = UINT64_MAX;
  bool has_crashed_ = false;
  Names names_;
  Names synced_names_;
  std::set<std::string> locked_;
};

}  // namespace tracking::file_log::test
