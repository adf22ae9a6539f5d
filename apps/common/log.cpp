#include "log.h"

#include "log_limit.h"
#include "text.h"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <mutex>

namespace tracking::apps {
namespace {

/// "2026-11-23T20:24:06.751Z"
std::string format_time(Timestamp time) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + size, sizeof text - size, ".%03dZ", static_cast<int>(ms % 1000));
  return text;
}

const char* colour(LogLevel level) noexcept {
  if (level == LogLevel::error) return "\033[31m";
  if (level == LogLevel::warning) return "\033[33m";
  return level == LogLevel::debug ? "\033[2m" : "";
}

/// A value that needs no quotes in a text log.
bool is_plain(std::string_view text) noexcept {
  for (const char character : text) {
    if (character <= ' ' || character == '"' || character == '=' || character == 0x7f) return false;
  }
  return !text.empty();
}

/// Cuts before an UTF-8 sequence would be torn.
std::string_view cut(std::string_view text, std::size_t size_max) noexcept {
  if (text.size() <= size_max) return text;
  while (size_max > 0 && (static_cast<unsigned char>(text[size_max]) & 0xc0) == 0x80) --size_max;
  return text.substr(0, size_max);
}

}  // namespace

std::string_view name(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "error";
}

struct Logger::Impl {
  explicit Impl(const Settings& given) : settings(given) {}

  void append_text(LogLevel level, std::string_view message, std::initializer_list<LogField> fields,
                   std::size_t part_max);
  void append_json(LogLevel level, std::string_view message, std::initializer_list<LogField> fields,
                   std::size_t part_max);
  void emit(LogLevel level, std::string_view message, std::initializer_list<LogField> fields);
  void tell_held(bool at_once);

  const Settings settings;
  std::mutex mutex;
  LogLimit limit{{burst_records_max, burst_window, records_per_second_max}};  // guarded by mutex
  std::string line;                                                           // guarded by mutex
  std::uint64_t dropped = 0;  // guarded by mutex: not written because nobody reads
  std::atomic<std::uint64_t> suppressed{0};
};

void Logger::Impl::append_text(LogLevel level, std::string_view message, std::initializer_list<LogField> fields,
                               std::size_t part_max) {
  line += format_time(settings.clock->now());
  line += ' ';
  if (settings.is_coloured) line += colour(level);
  line += name(level);
  if (settings.is_coloured) line += "\033[0m";
  line.append(level == LogLevel::info ? 4 : level == LogLevel::warning ? 1 : 3, ' ');
  append_printable(line, cut(message, part_max));
  for (const auto& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    if (field.is_number) {
      line += std::to_string(field.number);
    } else if (is_plain(field.text)) {
      append_printable(line, cut(field.text, part_max));
    } else {
      append_json_string(line, cut(field.text, part_max));
    }
  }
}

void Logger::Impl::append_json(LogLevel level, std::string_view message, std::initializer_list<LogField> fields,
                               std::size_t part_max) {
  line += "{\"time\":\"" + format_time(settings.clock->now()) + "\",\"level\":\"";
  line += name(level);
  line += "\",\"message\":";
  append_json_string(line, cut(message, part_max));
  for (const auto& field : fields) {
    line += ",\"";
    line += field.key;
    line += "\":";
    if (field.is_number) {
      line += std::to_string(field.number);
    } else {
      append_json_string(line, cut(field.text, part_max));
    }
  }
  line += '}';
}

void Logger::Impl::emit(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  // Escapes make text up to six times as long; parts are cut shorter until the record fits.
  for (std::size_t part_max = record_bytes_max; part_max > 0; part_max /= 2) {
    line.clear();
    if (settings.format == LogFormat::json) {
      append_json(level, message, fields, part_max);
    } else {
      append_text(level, message, fields, part_max);
    }
    if (line.size() < record_bytes_max) break;
  }
  line += '\n';
  // A pipe that is ready takes PIPE_BUF bytes without waiting; one that is full must not stop the program.
  pollfd output{settings.descriptor, POLLOUT, 0};
  const bool is_writable = ::poll(&output, 1, 0) == 1 && (output.revents & POLLOUT) != 0;
  ssize_t written = -1;
  if (is_writable) {
    do {
      written = ::write(settings.descriptor, line.data(), line.size());
    } while (written < 0 && errno == EINTR);
  }
  if (written < 0) {
    ++dropped;
    suppressed.fetch_add(1, std::memory_order_relaxed);
  }
}

void Logger::Impl::tell_held(bool at_once) {
  LogLimit::Held held;
  while (limit.take_held(settings.clock->steady(), at_once, held)) {
    emit(LogLevel::warning, "similar messages were suppressed", {{"count", held.count}, {"first", held.message}});
  }
  if (const auto count = dropped; count > 0) {
    dropped = 0;
    emit(LogLevel::warning, "log records were dropped because nothing read them", {{"count", count}});
    if (dropped > 0) dropped = count;  // still nobody: this notice itself is not counted
  }
}

Logger::Logger(const Settings& settings) : impl_(std::make_unique<Impl>(settings)) {}

Logger::~Logger() { flush(); }

void Logger::write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) noexcept {
  if (level < impl_->settings.level) return;
  try {
    const std::lock_guard lock(impl_->mutex);
    impl_->tell_held(false);
    if (impl_->limit.admit(message, static_cast<unsigned>(level), impl_->settings.clock->steady())) {
      impl_->emit(level, message, fields);
    } else {
      impl_->suppressed.fetch_add(1, std::memory_order_relaxed);
    }
  } catch (const std::exception&) {
    // Out of memory: a log record is what can be spared.
    impl_->suppressed.fetch_add(1, std::memory_order_relaxed);
  }
}

void Logger::flush() noexcept {
  try {
    const std::lock_guard lock(impl_->mutex);
    impl_->tell_held(true);
  } catch (const std::exception&) {
    impl_->suppressed.fetch_add(1, std::memory_order_relaxed);
  }
}

Log Logger::sink() {
  return [this](LogLevel level, std::string_view text) { write(level, text); };
}

std::uint64_t Logger::suppressed() const noexcept { return impl_->suppressed.load(std::memory_order_relaxed); }

}  // namespace tracking::apps
