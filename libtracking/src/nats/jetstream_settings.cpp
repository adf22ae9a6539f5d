#include "nats/jetstream_settings.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "codec/rfc3339.h"

namespace tracking::jetstream {
namespace {

constexpr std::int64_t ns_per_second = 1'000'000'000;
constexpr std::int64_t seconds_max = std::numeric_limits<std::int64_t>::max() / ns_per_second;

struct Unit {
  std::string_view name;
  std::int64_t factor;
};
constexpr Unit time_units[] = {{"s", 1}, {"m", 60}, {"h", 3'600}, {"d", 86'400}};
constexpr Unit size_units[] = {{"", 1},          {"B", 1},         {"KiB", 1 << 10},
                               {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", std::int64_t{1} << 40}};

// "90s", "10GiB": a positive number and one of the units, not above `max`.
template <std::size_t count>
std::optional<std::int64_t> parse_quantity(std::string_view text, const Unit (&units)[count], std::int64_t max) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || value <= 0) return std::nullopt;
  const std::string_view name(rest, static_cast<std::size_t>(end - rest));
  const auto* const unit = std::find_if(std::begin(units), std::end(units), [&](auto& u) { return u.name == name; });
  if (unit == std::end(units) || __builtin_mul_overflow(value, unit->factor, &value) || value > max)
    return std::nullopt;
  return value;
}

// The server's own rule.
bool is_stream_name(std::string_view text) {
  return !text.empty() && text.size() <= 100 && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7f && std::string_view(".*>/\\\"").find(c) == std::string_view::npos;
  });
}

// What the parameter may be, or empty if it was taken.
std::string_view take(Settings& settings, const std::string& key, const std::string& value) {
  if (key == "stream") {
    settings.stream = value;
    return is_stream_name(value) ? "" : "a name without spaces, dots, slashes and wildcards";
  }
  if (key == "storage") {
    settings.storage = value;
    return value == "file" || value == "memory" ? "" : "file or memory";
  }
  if (key == "replicas") {
    settings.replicas = value.size() == 1 ? value[0] - '0' : 0;
    return settings.replicas >= 1 && settings.replicas <= 5 ? "" : "1 to 5";
  }
  if (key == "max_size") {
    const auto size = parse_quantity(value, size_units, std::numeric_limits<std::int64_t>::max());
    settings.bytes_max = size.value_or(0);
    return size ? "" : "a size such as 10GiB";
  }
  const bool is_wait = key == "ack_wait";
  const auto time = parse_quantity(value, time_units, is_wait ? 600 : seconds_max);
  const std::chrono::seconds seconds(time.value_or(0));
  if (key == "max_age") settings.max_age = seconds;
  if (key == "duplicate_window") settings.duplicate_window = seconds;
  if (is_wait) settings.ack_wait = seconds;
  return time ? "" : is_wait ? "a time from 1s to 10m" : "a time such as 30s, 10m, 2h or 7d";
}

bool is_known(const std::string& key) {
  constexpr std::string_view known[] = {"stream",  "storage",          "replicas", "max_size",
                                        "max_age", "duplicate_window", "ack_wait"};
  return std::find(std::begin(known), std::end(known), key) != std::end(known);
}

std::string_view next_token(std::string_view& subject) {
  const auto token = subject.substr(0, subject.find('.'));
  subject.remove_prefix(std::min(token.size() + 1, subject.size()));
  return token;
}

// Whether every subject that `wanted` means is one that `pattern` means.
bool covers(std::string_view pattern, std::string_view wanted) {
  while (!pattern.empty() && !wanted.empty()) {
    const auto token = next_token(pattern);
    if (token == ">") return true;
    const auto wanted_token = next_token(wanted);
    if (token != "*" && token != wanted_token) return false;
  }
  return pattern.empty() && wanted.empty();
}

}  // namespace

Result<Settings> parse_settings(std::multimap<std::string, std::string>& parameters, const std::string& redacted_url) {
  Settings settings;
  for (auto parameter = parameters.begin(); parameter != parameters.end();) {
    const auto [key, value] = *parameter;
    if (!is_known(key)) {
      ++parameter;
      continue;
    }
    parameter = parameters.erase(parameter);
    const auto rule = take(settings, key, value);
    if (!rule.empty())
      return {Code::invalid_parameter, redacted_url + ": " + key + " must be " + std::string(rule) + ", not " + value};
  }
  // The server's rule: what it no longer holds it need not remember.
  if (settings.max_age.count() > 0) settings.duplicate_window = std::min(settings.duplicate_window, settings.max_age);
  return settings;
}

std::string stream_config(const Settings& settings, const std::string& wildcard) {
  const auto ns = [](std::chrono::seconds time) { return std::to_string(time.count() * ns_per_second); };
  // What is full refuses: nothing old is evicted for something new.
  return R"({"name":")" + settings.stream + R"(","subjects":[")" + wildcard +
         R"("],"retention":"limits","discard":"new","storage":")" + settings.storage + R"(","num_replicas":)" +
         std::to_string(settings.replicas) + R"(,"max_age":)" + ns(settings.max_age) + R"(,"max_bytes":)" +
         std::to_string(settings.bytes_max) + R"(,"duplicate_window":)" + ns(settings.duplicate_window) +
         R"(,"max_msgs":-1,"max_msgs_per_subject":-1,"max_msg_size":-1,"max_consumers":-1,"allow_direct":true})";
}

std::optional<StreamInfo> read_stream_info(const JsonObject& answer, const std::string& wildcard) {
  const auto config = answer.object("config");
  const auto state = answer.object("state");
  const auto created = codec::parse_rfc3339(answer.text("created"));
  if (!config || !state || !created) return std::nullopt;
  StreamInfo info;
  info.incarnation = static_cast<std::uint64_t>(created->time_since_epoch().count());
  info.last = state->position("last_seq");
  info.first = std::min(std::max<std::uint64_t>(state->position("first_seq"), 1), info.last + 1);
  if (state->position("messages") == 0) info.first = info.last + 1;
  info.is_ours_alone = config->texts("subjects") == std::vector{wildcard};
  return info;
}

Status check_stream(const JsonObject& config, const std::string& stream, const std::string& wildcard) {
  const auto refuse = [&](const std::string& what) {
    return Status(Code::invalid_parameter, "the stream " + stream + " is there but cannot carry events: " + what +
                                               "; change it, or choose another one with ?stream=");
  };
  if (!config.find("mirror").empty()) return refuse("it is a mirror of another stream");
  const auto subjects = config.texts("subjects");
  if (std::none_of(subjects.begin(), subjects.end(), [&](auto& subject) { return covers(subject, wildcard); }))
    return refuse("its subjects do not cover " + wildcard);
  if (config.text("retention") != "limits")
    return refuse("its retention is " + std::string(config.text("retention")) +
                  ", which drops events that were read, or that no one waits for");
  if (config.is_true("no_ack")) return refuse("it acknowledges nothing (no_ack)");
  if (config.is_true("sealed")) return refuse("it is sealed");
  return {};
}

std::string differences(const JsonObject& config, const Settings& settings) {
  std::string text;
  const auto differs = [&](std::string_view name, const std::string& there, const std::string& wanted) {
    if (there == wanted) return;
    text.append(text.empty() ? "" : ", ").append(name).append("=").append(there).append(" instead of ").append(wanted);
  };
  const auto ns = [](std::chrono::seconds time) { return std::to_string(time.count()) + "s"; };
  const auto seconds_of = [&](std::string_view name) {
    return ns(std::chrono::seconds(config.number(name) / ns_per_second));
  };
  differs("storage", std::string(config.text("storage")), settings.storage);
  differs("replicas", std::string(config.find("num_replicas")), std::to_string(settings.replicas));
  differs("discard", std::string(config.text("discard")), "new");
  differs("max_age", seconds_of("max_age"), ns(settings.max_age));
  differs("max_size", std::string(config.find("max_bytes")), std::to_string(settings.bytes_max));
  differs("duplicate_window", seconds_of("duplicate_window"), ns(settings.duplicate_window));
  for (const std::string_view name : {"max_msgs", "max_msgs_per_subject", "max_msg_size"})
    differs(name, std::string(config.find(name)), "-1");
  return text;
}

}  // namespace tracking::jetstream
