// Keeps the last cursor in a file, so that the next run goes on where this one ended, however it ended.
#pragma once

#include <tracking/status.h>

#include <chrono>
#include <string>
#include <string_view>

namespace tracking::cli {

/// Used by one thread. A file that is replaced by rename(2): whoever reads it finds a whole cursor.
class CursorFile {
 public:
  explicit CursorFile(std::string path) : path_(std::move(path)) {}

  /// The cursor in it, or an empty text if there is no file. invalid_parameter: it holds something else.
  Result<std::string> load() const;

  /// Fails where cursors could not be written.
  Status check_writable();

  /// Remembers the cursor, and writes it unless one was written within the last milliseconds: flush() makes up for it.
  void note(std::string cursor);
  /// Writes what was remembered. A failure is told once on stderr: then a later run repeats events, and misses none.
  void flush();

 private:
  Status write(std::string_view cursor) const;

  const std::string path_;
  std::string cursor_;
  bool is_written_ = true;
  bool has_failed_ = false;
  std::chrono::steady_clock::time_point last_write_{};
};

}  // namespace tracking::cli
