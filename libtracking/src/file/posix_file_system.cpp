#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <new>
#include <system_error>

#include "file/file_system.h"

namespace tracking::file_log {
namespace {

Io failed() noexcept { return {.error = errno}; }

/// What the call gives; ENOMEM if an allocation fails in it.
template <class Call>
Io unless_no_memory(Call call) noexcept {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return {.error = ENOMEM};
  }
}

class PosixFile final : public File {
 public:
  explicit PosixFile(int descriptor) : descriptor_(descriptor) {}
  ~PosixFile() override { ::close(descriptor_); }

  Io read(std::uint64_t offset, char* into, std::size_t size) noexcept override {
    std::size_t done = 0;
    while (done < size) {
      const auto count = ::pread(descriptor_, into + done, size - done, static_cast<off_t>(offset + done));
      if (count == 0) break;
      if (count > 0) {
        done += static_cast<std::size_t>(count);
      } else if (errno != EINTR) {
        return failed();
      }
    }
    return {.bytes = done};
  }

  Io write(std::uint64_t offset, std::span<const std::string_view> pieces) noexcept override {
    std::size_t skipped = 0;  // bytes of pieces.front() that are written already
    while (!pieces.empty()) {
      if (pieces.front().size() == skipped) {
        pieces = pieces.subspan(1);
        skipped = 0;
        continue;
      }
      iovec vectors[vectors_max];
      const std::size_t count = std::min(pieces.size(), vectors_max);
      for (std::size_t i = 0; i < count; ++i) {
        const std::string_view piece = i == 0 ? pieces[0].substr(skipped) : pieces[i];
        vectors[i] = {const_cast<char*>(piece.data()), piece.size()};  // NOLINT: pwritev only reads
      }
      const auto written = ::pwritev(descriptor_, vectors, static_cast<int>(count), static_cast<off_t>(offset));
      if (written < 0) {
        if (errno == EINTR) continue;
        return failed();
      }
      offset += static_cast<std::uint64_t>(written);
      skipped += static_cast<std::size_t>(written);
      while (!pieces.empty() && skipped >= pieces.front().size()) {
        skipped -= pieces.front().size();
        pieces = pieces.subspan(1);
      }
    }
    return {};
  }

  // A failure is believed, though the sync that follows should tell it again: what a kernel says once counts. All but a
  // shortage of the moment: sync() waits until that is over.
  Io begin_sync(std::uint64_t offset, std::uint64_t size) noexcept override {
    const int result =
        ::sync_file_range(descriptor_, static_cast<off_t>(offset), static_cast<off_t>(size), SYNC_FILE_RANGE_WRITE);
    if (result == 0 || is_unsupported(errno) || is_shortage(errno)) return {};
    return failed();
  }

  Io sync() noexcept override { return ::fdatasync(descriptor_) == 0 ? Io{} : failed(); }

  Io resize(std::uint64_t size) noexcept override {
    return ::ftruncate(descriptor_, static_cast<off_t>(size)) == 0 ? Io{} : failed();
  }

  Io allocate(std::uint64_t size) noexcept override {
    const Io now = this->size();
    if (!now || now.bytes >= size) return now;
    const auto from = static_cast<off_t>(now.bytes);
    int result = 0;
    do {
      result = ::fallocate(descriptor_, 0, from, static_cast<off_t>(size) - from);
    } while (result != 0 && errno == EINTR);
    if (result == 0) return {};
    if (errno != EOPNOTSUPP && errno != ENOSYS) return failed();
    return write_zeros(now.bytes, size);
  }

  Io size() noexcept override {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) return failed();
    return {.bytes = static_cast<std::uint64_t>(status.st_size)};
  }

  void drop_cache() noexcept override { ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_DONTNEED); }

 private:
  /// By the file system, the kernel, or a filter of system calls.
  static bool is_unsupported(int error) noexcept {
    return error == EINVAL || error == ESPIPE || error == ENOSYS || error == EPERM || error == EOPNOTSUPP;
  }

  static bool is_shortage(int error) noexcept { return error == ENOMEM || error == EAGAIN || error == EINTR; }

  static constexpr std::size_t vectors_max = 64;  // IOV_MAX is 1,024; a group has few pieces

  Io write_zeros(std::uint64_t from, std::uint64_t to) noexcept {
    static constexpr char zeros[16 << 10] = {};
    while (from < to) {
      const std::string_view piece(zeros, static_cast<std::size_t>(std::min<std::uint64_t>(sizeof zeros, to - from)));
      if (const Io io = write(from, std::span(&piece, 1)); !io) return io;
      from += piece.size();
    }
    return {};
  }

  const int descriptor_;
};

class PosixLock final : public DirectoryLock {
 public:
  explicit PosixLock(int descriptor) : descriptor_(descriptor) {}
  ~PosixLock() override { ::close(descriptor_); }

 private:
  const int descriptor_;
};

std::string read_holder(int descriptor) {
  char text[128];
  const auto count = ::pread(descriptor, text, sizeof text, 0);
  std::string holder(text, count > 0 ? static_cast<std::size_t>(count) : 0);
  const auto is_odd = [](char c) { return c < ' ' || c > '~'; };
  holder.erase(std::find_if(holder.begin(), holder.end(), is_odd), holder.end());
  return holder.empty() ? "another process" : holder;
}

class PosixFileSystem final : public FileSystem {
 public:
  Io open(const std::string& path, OpenMode mode, std::unique_ptr<File>& file) noexcept override {
    int flags = O_CLOEXEC | (mode == OpenMode::read ? O_RDONLY : O_RDWR);
    if (mode == OpenMode::create) flags |= O_CREAT | O_EXCL;
    const int descriptor = ::open(path.c_str(), flags, file_permissions);
    if (descriptor < 0) return failed();
    file.reset(new (std::nothrow) PosixFile(descriptor));
    if (file) return {};
    ::close(descriptor);
    return {.error = ENOMEM};
  }

  Io make_directory(const std::string& path) noexcept override {
    return unless_no_memory([&]() -> Io {
      std::error_code error;
      std::filesystem::create_directories(path, error);
      return {.error = error.value()};
    });
  }

  Io list(const std::string& path, std::vector<std::string>& names) noexcept override {
    return unless_no_memory([&]() -> Io {
      // Not std::filesystem's iterator, which ends the process if it has no memory.
      const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
      if (!directory) return failed();
      for (;;) {
        errno = 0;
        const dirent* const entry = ::readdir(directory.get());
        if (!entry) return {.error = errno};
        names.emplace_back(entry->d_name);
      }
    });
  }

  Io remove(const std::string& path) noexcept override { return ::unlink(path.c_str()) == 0 ? Io{} : failed(); }

  Io rename(const std::string& from, const std::string& to) noexcept override {
    return ::rename(from.c_str(), to.c_str()) == 0 ? Io{} : failed();
  }

  Io sync_directory(const std::string& path) noexcept override {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return failed();
    const Io io = ::fsync(descriptor) == 0 ? Io{} : failed();
    ::close(descriptor);
    return io;
  }

  Io lock(const std::string& path, std::unique_ptr<DirectoryLock>& lock, std::string& holder) noexcept override {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, file_permissions);
    if (descriptor < 0) return failed();
    std::unique_ptr<DirectoryLock> held(new (std::nothrow) PosixLock(descriptor));
    if (!held) {
      ::close(descriptor);
      return {.error = ENOMEM};
    }
    return unless_no_memory([&] { return lock_open(descriptor, held, lock, holder); });
  }

 private:
  // As umask allows.
  static constexpr mode_t file_permissions = 0666;

  static Io lock_open(int descriptor, std::unique_ptr<DirectoryLock>& held, std::unique_ptr<DirectoryLock>& lock,
                      std::string& holder) {
    // A lock of the open file, not of the process: a second log in this process is kept out as well.
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const Io io = failed();
      holder = read_holder(descriptor);
      return io;
    }
    const std::string text = "process " + std::to_string(::getpid()) + "\n";
    if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, text.data(), text.size(), 0) < 0) return failed();
    lock = std::move(held);
    return {};
  }
};

}  // namespace

File::~File() = default;
DirectoryLock::~DirectoryLock() = default;
FileSystem::~FileSystem() = default;

std::string Io::message() const { return std::generic_category().message(error); }

FileSystem& FileSystem::posix() noexcept {
  static PosixFileSystem system;  // holds nothing: that it ends with the process matters to no one
  return system;
}

}  // namespace tracking::file_log
