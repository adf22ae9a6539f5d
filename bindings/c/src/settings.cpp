#include "settings.h"

#include <tracking/web.h>

#include <array>
#include <limits>

#include "boundary.h"
#include "values.h"

namespace tracking::c {
namespace {

/// Sets an option; false: the text has not its form.
using Apply = bool (*)(ServiceOptions&, std::string_view);

struct ServiceSetting {
  std::string_view name;
  std::string_view form;
  Apply apply;
};

template <auto Member>
bool set_text(ServiceOptions& options, std::string_view text) {
  options.*Member = std::string(text);
  return !text.empty();
}

template <auto Member>
bool set_size(ServiceOptions& options, std::string_view text) {
  const auto bytes = apps::parse_size(text);
  if (bytes) options.*Member = *bytes;
  return bytes && *bytes > 0;
}

template <auto Member>
bool set_count(ServiceOptions& options, std::string_view text) {
  const auto count = apps::parse_integer(text);
  if (count) options.*Member = *count;
  return count && *count > 0;
}

template <auto Member>
bool set_duration(ServiceOptions& options, std::string_view text) {
  const auto duration = apps::parse_duration(text);
  if (duration) options.*Member = *duration;
  return duration.has_value();
}

bool set_ack(ServiceOptions& options, std::string_view text) {
  for (const auto level : {AckLevel::sent, AckLevel::stored}) {
    if (text == name(level)) return options.ack = level, true;
  }
  return false;
}

bool set_lookup_threads(ServiceOptions& options, std::string_view text) {
  constexpr std::uint64_t threads_max = 64;  // guess: a repository that needs more has another problem
  const auto threads = apps::parse_integer(text);
  if (!threads || *threads < 1 || *threads > threads_max) return false;
  options.account_lookup_threads = static_cast<unsigned>(*threads);
  return true;
}

constexpr std::string_view a_size = "a size such as 256KiB";
constexpr std::string_view a_count = "a number, at least 1";
constexpr std::string_view a_duration = "a duration such as 10s or 5m";

constexpr std::array<ServiceSetting, 12> service_settings{{
    {"accounts", "a URL", set_text<&ServiceOptions::accounts>},
    {"broker", "a URL", set_text<&ServiceOptions::broker>},
    {"data_dir", "a folder", set_text<&ServiceOptions::data_dir>},
    {"ack", "sent or stored", set_ack},
    {"max_data_size", a_size, set_size<&ServiceOptions::data_bytes_max>},
    {"account_ttl", a_duration, set_duration<&ServiceOptions::account_ttl>},
    {"account_stale_max", a_duration, set_duration<&ServiceOptions::account_stale_max>},
    {"account_cache_max", a_count, set_count<&ServiceOptions::account_cache_max>},
    {"account_lookup_threads", "a number from 1 to 64", set_lookup_threads},
    {"parked_events_max", a_count, set_count<&ServiceOptions::parked_events_max>},
    {"duplicate_keys_max", a_count, set_count<&ServiceOptions::duplicate_keys_max>},
    {"duplicate_window", a_duration, set_duration<&ServiceOptions::duplicate_window>},
}};

/// What was given is shown in messages, but not without bound, and never a URL: it may carry a password.
Status unknown_setting(std::string_view name) {
  std::string message = "there is no setting '" + std::string(name.substr(0, 64)) + "'; there are";
  for (const auto& setting : service_settings) message.append(" ").append(setting.name);
  return {Code::invalid_parameter, std::move(message)};
}

Status wrong_value(std::string_view name, std::string_view form) {
  return {Code::invalid_parameter, std::string(name) + " must be " + std::string(form)};
}

void append_percent_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    const bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                          (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' || byte == '.';
    if (is_plain) {
      out += character;
    } else {
      (((out += '%') += digits[byte >> 4]) += digits[byte & 15]);
    }
  }
}

}  // namespace

Result<ServiceOptions> read_service_settings(std::span<const tracking_setting> settings) {
  ServiceOptions options;
  for (const auto& given : settings) {
    const auto name = view(given.name, given.name_size);
    const ServiceSetting* found = nullptr;
    for (const auto& setting : service_settings) {
      if (setting.name == name) found = &setting;
    }
    if (!found) return unknown_setting(name);
    if (!found->apply(options, view(given.value, given.value_size))) return wrong_value(found->name, found->form);
  }
  return options;
}

// The one reader of these is that of the HTTP stream, so both doors take and refuse the same.
Result<SubscribeOptions> read_subscribe_settings(std::span<const tracking_setting> settings) {
  std::string query;
  std::optional<std::uint64_t> buffer_bytes_max;
  for (const auto& given : settings) {
    const auto name = view(given.name, given.name_size);
    const auto value = view(given.value, given.value_size);
    if (name == "buffer_size") {
      buffer_bytes_max = apps::parse_size(value);
      if (!buffer_bytes_max || *buffer_bytes_max == 0) return wrong_value(name, a_size);
      continue;
    }
    if (!query.empty()) query += '&';
    append_percent_encoded(query, name);
    query += '=';
    append_percent_encoded(query, value);
  }
  const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  auto request = web::parse_stream_request(query, "", "", now);
  if (!request) return request.error();
  if (buffer_bytes_max) request->options.buffer_bytes_max = *buffer_bytes_max;
  return std::move(request->options);
}

}  // namespace tracking::c
