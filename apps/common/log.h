// Structured logs on stderr: one line a record, whatever it contains, as text or as JSON.
#pragma once

#include <tracking/backends.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace tracking::apps {

enum class LogFormat : std::uint8_t { text, json };

/// `url=http://127.0.0.1:8080` in a text log; `"url":"http://127.0.0.1:8080"` in JSON.
struct LogField {
  LogField(std::string_view key_, std::string_view value) : key(key_), text(value) {}
  LogField(std::string_view key_, const char* value) : key(key_), text(value) {}
  LogField(std::string_view key_, const std::string& value) : key(key_), text(value) {}
  LogField(std::string_view key_, std::uint64_t value) : key(key_), number(value), is_number(true) {}

  std::string_view key;
  std::string_view text;
  std::uint64_t number = 0;
  bool is_number = false;
};

/// Writes records to a descriptor, each with one write(). Thread-safe; it has no thread or timer of its own.
///
/// It is bounded in three ways. Records of one kind (the same level and text, numbers aside) pass ten times in ten
/// seconds; the rest are counted, and the count is told by the next record that passes. All kinds together pass 200
/// times a second. And it never waits for a reader that does not read: what does not fit is dropped and counted.
class Logger {
 public:
  struct Settings {
    int descriptor = 2;
    LogFormat format = LogFormat::text;
    LogLevel level = LogLevel::info;
    bool is_coloured = false;
    Clock* clock = &Clock::system();
  };

  static constexpr unsigned burst_records_max = 10;
  static constexpr std::chrono::seconds burst_window{10};
  static constexpr unsigned records_per_second_max = 200;
  /// Longer records are cut. What a pipe takes whole or not at all (PIPE_BUF).
  static constexpr std::size_t record_bytes_max = 4096;

  explicit Logger(const Settings& settings);
  ~Logger();

  void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {}) noexcept;
  void debug(std::string_view text, std::initializer_list<LogField> fields = {}) noexcept {
    write(LogLevel::debug, text, fields);
  }
  void info(std::string_view text, std::initializer_list<LogField> fields = {}) noexcept {
    write(LogLevel::info, text, fields);
  }
  void warning(std::string_view text, std::initializer_list<LogField> fields = {}) noexcept {
    write(LogLevel::warning, text, fields);
  }
  void error(std::string_view text, std::initializer_list<LogField> fields = {}) noexcept {
    write(LogLevel::error, text, fields);
  }

  /// Tells what is still counted as suppressed. The destructor does so too.
  void flush() noexcept;

  /// For the library: a function that writes here. The logger outlives it.
  Log sink();

  /// Records dropped because of the limits, since the start.
  std::uint64_t suppressed() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// "debug", "info", "warning", "error".
std::string_view name(LogLevel level) noexcept;

}  // namespace tracking::apps
