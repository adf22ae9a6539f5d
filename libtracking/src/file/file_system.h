// The file layer under the log: small enough that tests replace it by one that fails, tears writes and crashes.
#pragma once

#include <tracking/export.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tracking::file_log {

/// How a call on a file ended: an errno, 0 = well.
struct Io {
  int error = 0;
  std::uint64_t bytes = 0;  ///< read, or the size asked for

  explicit operator bool() const noexcept { return error == 0; }
  /// Of a read: the medium does not give back what was stored there. Any other error says nothing of what is stored.
  bool is_damage() const noexcept { return error == EIO; }
  /// "No space left on device".
  std::string message() const;
};

/// An open file. Reads may be made by many threads, beside the one that writes. Closed by its destructor.
class TRACKING_EXPORT File {
 public:
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  virtual ~File();

  /// Reads `size` bytes from `offset` on, less only at the end of the file.
  virtual Io read(std::uint64_t offset, char* into, std::size_t size) noexcept = 0;
  /// Writes all the pieces, one after the other. After an error any part of them may have been written.
  virtual Io write(std::uint64_t offset, std::span<const std::string_view> pieces) noexcept = 0;
  /// Has the disk begin to write what was written from `offset` on, so that sync() has less to wait for. Where that
  /// cannot be done, nothing happens. An error is one of sync(), come early.
  virtual Io begin_sync(std::uint64_t offset, std::uint64_t size) noexcept = 0;
  /// Everything written is on stable storage when it returns well. After an error nothing is known of what was written
  /// since the last time, and another call on this file would not tell (the kernel reports a lost page once).
  virtual Io sync() noexcept = 0;
  /// Cuts or extends, with zeros.
  virtual Io resize(std::uint64_t size) noexcept = 0;
  /// Makes the file at least `size` long, with zeros whose place on the disk is taken already.
  virtual Io allocate(std::uint64_t size) noexcept = 0;
  virtual Io size() noexcept = 0;
  /// Reads that follow should come from the disk rather than from memory. A hint.
  virtual void drop_cache() noexcept = 0;
};

/// Held until it is destroyed, also if the process dies.
class TRACKING_EXPORT DirectoryLock {
 public:
  DirectoryLock() = default;
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;
  virtual ~DirectoryLock();
};

enum class OpenMode : std::uint8_t { read, write, create };  ///< `create` fails if the file is there

/// Thread-safe. Paths are whole paths.
class TRACKING_EXPORT FileSystem {
 public:
  virtual ~FileSystem();

  virtual Io open(const std::string& path, OpenMode mode, std::unique_ptr<File>& file) noexcept = 0;
  /// Makes the directory and those above it.
  virtual Io make_directory(const std::string& path) noexcept = 0;
  /// The names in a directory, with "." and "..".
  virtual Io list(const std::string& path, std::vector<std::string>& names) noexcept = 0;
  virtual Io remove(const std::string& path) noexcept = 0;
  virtual Io rename(const std::string& from, const std::string& to) noexcept = 0;
  /// Files made, renamed and removed in the directory are so for good when it returns well.
  virtual Io sync_directory(const std::string& path) noexcept = 0;
  /// Locks a directory by a file in it against other processes, and other logs of this one. If it is taken:
  /// EWOULDBLOCK, and `holder` says by whom.
  virtual Io lock(const std::string& path, std::unique_ptr<DirectoryLock>& lock, std::string& holder) noexcept = 0;

  /// The machine's. Lives as long as the process.
  static FileSystem& posix() noexcept;
};

}  // namespace tracking::file_log
