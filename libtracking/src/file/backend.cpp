#include <tracking/file.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "file/file_broker.h"

namespace tracking {
namespace {

using std::chrono::microseconds;

std::optional<std::uint64_t> multiply(std::uint64_t value, std::uint64_t unit) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(value, unit, &product)) return std::nullopt;
  return product;
}

// A number and what follows it.
std::optional<std::uint64_t> parse_number(std::string_view text, std::string_view& unit) {
  std::uint64_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  unit = text.substr(static_cast<std::size_t>(rest - text.data()));
  return value;
}

// "10GiB", "512MiB", or bytes.
std::optional<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::pair<std::string_view, unsigned> units[] = {{"", 0},     {"B", 0},    {"KiB", 10},
                                                             {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};
  std::string_view unit;
  const auto value = parse_number(text, unit);
  if (!value) return std::nullopt;
  for (const auto& [name, bits] : units) {
    if (name == unit) return multiply(*value, std::uint64_t{1} << bits);
  }
  return std::nullopt;
}

// "30s", "10m", "2h", "7d".
std::optional<microseconds> parse_duration(std::string_view text) {
  constexpr std::pair<std::string_view, std::uint64_t> units[] = {{"s", 1}, {"m", 60}, {"h", 3'600}, {"d", 86'400}};
  constexpr std::uint64_t seconds_max = std::uint64_t{100} * 365 * 86'400;
  std::string_view unit;
  const auto value = parse_number(text, unit);
  if (!value) return std::nullopt;
  for (const auto& [name, seconds] : units) {
    if (name != unit) continue;
    const auto all = multiply(*value, seconds);
    if (!all || *all > seconds_max) return std::nullopt;
    return std::chrono::seconds(*all);
  }
  return std::nullopt;
}

/// From the URL's parameters; false if there is one that is not understood.
bool set(file_log::StoreSettings& settings, const std::string& key, const std::string& value) {
  if (key == "retention") {
    const auto retention = value == "none" ? microseconds(0) : parse_duration(value).value_or(microseconds(-1));
    settings.retention = retention;
    return value == "none" || retention.count() > 0;
  }
  if (key == "max_size") {
    const auto size = value == "none" ? 0 : parse_size(value).value_or(0);
    settings.bytes_max = size;
    return value == "none" || size >= file_log::bytes_max_least;
  }
  return false;
}

/// What a check of the URL gets: it has the log's traits, and nothing was opened.
class UnopenedLog final : public Broker {
 public:
  void publish(Lines, Completion done) noexcept override { done.all(Code::broker_unavailable); }
  BrokerTraits traits() const noexcept override { return file_log::broker_traits; }
};

Result<std::unique_ptr<Broker>> open_broker(const BackendContext& context) {
  const auto bad_url = [&](const std::string& what) {
    return Status(Code::invalid_parameter, "broker " + context.url.redacted() + ": " + what);
  };
  if (context.url.rest.empty()) return bad_url("a directory is missing, as in file:events");
  file_log::BrokerSettings settings;
  for (const auto& [key, value] : context.url.parameters) {
    if (!set(settings.store, key, value)) {
      return bad_url(
          "file: takes retention=30d (s, m, h, d; or none) and max_size=10GiB (1MiB at least; or none), not " + key +
          "=" + value);
    }
  }
  if (context.is_check) return std::unique_ptr<Broker>(std::make_unique<UnopenedLog>());
  std::error_code error;
  const auto directory = std::filesystem::absolute(context.data_dir / context.url.rest, error);
  if (error) return bad_url(error.message());
  settings.store.directory = directory.lexically_normal().string();
  if (settings.store.directory.ends_with('/')) settings.store.directory.pop_back();
  settings.adapt();
  return file_log::open_file_broker(settings, file_log::FileSystem::posix(), *context.clock, context.log);
}

}  // namespace

Backend file() { return {.schemes = {"file"}, .broker = open_broker}; }

}  // namespace tracking
