#include "bench_report.h"

#include "common/text.h"
#include "terminal.h"

#include <array>
#include <cstdio>
#include <utility>

namespace tracking::cli {
namespace {

constexpr std::array<std::pair<const char*, double>, 6> percentiles{
    {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}, {"p99.999", 0.99999}}};

template <class... Values>
std::string formatted(const char* format, Values... values) {
  char text[160];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

double microseconds(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) * 1e-3; }

double rate(std::uint64_t count, const LoadResult& result) {
  return result.seconds > 0 ? static_cast<double>(count) / result.seconds : 0;
}

double busy(const LoadResult& result) { return result.seconds > 0 ? result.cpu_seconds / result.seconds : 0; }

double cpu_us_per_event(const LoadResult& result) {
  return result.accepted_in_time > 0 ? result.cpu_seconds * 1e6 / static_cast<double>(result.accepted_in_time) : 0;
}

void append_latency(std::string& text, const char* title, const LatencyHistogram& histogram) {
  if (histogram.count() == 0) return;
  text += formatted("%-22s mean %.1f us", title, histogram.mean() * 1e-3);
  for (const auto& [name, fraction] : percentiles) {
    text += formatted("  %s %.1f", name, microseconds(histogram.percentile(fraction)));
  }
  text += formatted("  max %.1f\n", microseconds(histogram.max()));
}

class JsonObject {
 public:
  JsonObject& text(std::string_view name, std::string_view value) {
    begin(name);
    apps::append_json_string(json_, value);
    return *this;
  }
  JsonObject& number(std::string_view name, std::uint64_t value) { return raw(name, std::to_string(value)); }
  JsonObject& decimal(std::string_view name, double value) { return raw(name, formatted("%.3f", value)); }
  JsonObject& raw(std::string_view name, std::string_view value) {
    begin(name);
    json_.append(value);
    return *this;
  }
  std::string str() const { return json_ + "}"; }

 private:
  void begin(std::string_view name) {
    if (json_.size() > 1) json_ += ',';
    apps::append_json_string(json_, name);
    json_ += ':';
  }
  std::string json_ = "{";
};

std::string latency_json(const LatencyHistogram& histogram) {
  JsonObject object;
  object.number("count", histogram.count()).decimal("mean", histogram.mean() * 1e-3);
  for (const auto& [name, fraction] : percentiles) {
    object.decimal(name, microseconds(histogram.percentile(fraction)));
  }
  return object.decimal("max", microseconds(histogram.max())).str();
}

const char* name_of(BodyFormat format) {
  return format == BodyFormat::single ? "single" : format == BodyFormat::array ? "array" : "ndjson";
}

}  // namespace

bool is_good(const LoadResult& result) {
  return result.accepted > 0 && result.errors.empty() && result.undelivered == 0;
}

std::string to_text(const LoadResult& result, const BenchSettings& settings) {
  std::string text = formatted("%.1f s, %llu connections, %s, %s\n", result.seconds,
                               static_cast<unsigned long long>(settings.connections),
                               settings.rate > 0 ? "open loop" : "closed loop", name_of(settings.format));
  text += formatted("%-22s %llu, %.0f a second\n", "events accepted", static_cast<unsigned long long>(result.accepted),
                    rate(result.accepted_in_time, result));
  text += formatted("%-22s %llu, %.0f a second\n", "requests answered",
                    static_cast<unsigned long long>(result.requests), rate(result.requests_in_time, result));
  append_latency(text, settings.rate > 0 ? "latency since due" : "latency", result.latency);
  if (result.unsent > 0) {
    text += formatted("%-22s %llu events were due and never found a free connection\n", "not sent",
                      static_cast<unsigned long long>(result.unsent));
  }
  for (const auto& [kind, count] : result.errors) {
    text += formatted("%-22s %llu events: ", "error", static_cast<unsigned long long>(count)) + printable(kind) + "\n";
  }
  if (settings.subscribers > 0) {
    text += formatted(
        "%-22s %llu to %llu subscribers, %llu missing, %llu gaps\n", "delivered",
        static_cast<unsigned long long>(result.delivered), static_cast<unsigned long long>(settings.subscribers),
        static_cast<unsigned long long>(result.undelivered), static_cast<unsigned long long>(result.gaps));
    append_latency(text, "due to delivered", result.delivery);
    append_latency(text, "due to the last", result.last_delivery);
    append_latency(text, "accepted to delivered", result.accept_to_delivery);
  }
  text += formatted("%-22s %.0f %% of a core, %.2f us an event\n", "this program", busy(result) * 100,
                    cpu_us_per_event(result));
  if (busy(result) > 0.97 && settings.rate == 0) {
    text += "This program may be what was slow: it was busy all the time.\n";
  }
  return text;
}

std::string to_json(const LoadResult& result, const BenchSettings& settings) {
  JsonObject errors;
  for (const auto& [kind, count] : result.errors) errors.number(kind, count);
  JsonObject object;
  object.raw("ok", is_good(result) ? "true" : "false")
      .text("url", settings.url)
      .text("mode", settings.rate > 0 ? "open" : "closed")
      .number("rate", settings.rate)
      .number("connections", settings.connections)
      .text("format", name_of(settings.format))
      .number("batch", settings.batch)
      .number("data_size", settings.data_bytes)
      .number("accounts", settings.accounts.size())
      .decimal("seconds", result.seconds)
      .number("accepted", result.accepted)
      .number("requests", result.requests)
      .decimal("events_per_second", rate(result.accepted_in_time, result))
      .decimal("requests_per_second", rate(result.requests_in_time, result))
      .number("events_in_time", result.accepted_in_time)
      .number("requests_in_time", result.requests_in_time)
      .raw("latency_us", latency_json(result.latency))
      .number("unsent", result.unsent)
      .raw("errors", errors.str());
  if (settings.subscribers > 0) {
    object.number("subscribers", settings.subscribers)
        .number("delivered", result.delivered)
        .number("undelivered", result.undelivered)
        .number("gaps", result.gaps)
        .raw("delivery_us", latency_json(result.delivery))
        .raw("last_delivery_us", latency_json(settings.subscribers > 1 ? result.last_delivery : result.delivery))
        .raw("accept_to_delivery_us", latency_json(result.accept_to_delivery));
  }
  object.decimal("cpu_seconds", result.cpu_seconds)
      .decimal("cpu_busy", busy(result))
      .decimal("cpu_us_per_event", cpu_us_per_event(result));
  return object.str() + "\n";
}

}  // namespace tracking::cli
