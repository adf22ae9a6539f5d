// What reading, checking and writing an event costs. Each benchmark proves its answer before it is timed.
#include <tracking/subscription.h>

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "codec/event_decoder.h"
#include "codec/event_line.h"
#include "codec/json.h"
#include "codec/rfc3339.h"

namespace {

using namespace tracking;
using namespace tracking::codec;

constexpr std::string_view example = R"({"account_id":1,"data":"foo"})";
constexpr std::string_view example_line =
    R"({"id":"01936f5e-8c1a-7cc3-98c4-dc0c0c07398f","account_id":1,"timestamp":"2026-11-23T20:24:06.751257Z",)"
    R"("producer":"5zq0w9c1","sequence":42,"data":"foo"})";
constexpr std::string_view example_time = "2026-11-23T20:24:06.751257Z";
constexpr std::size_t data_bytes_max = 256 * 1024;

// A benchmark of something wrong says nothing.
#define PROVE(state, condition)                         \
  if (!(condition)) {                                   \
    (state).SkipWithError("wrong answer: " #condition); \
    return;                                             \
  }

void decode_example(benchmark::State& state) {
  std::string text(example);
  Event event;
  DecodeFault fault;
  PROVE(state, decode_event(text.data(), text.size(), data_bytes_max, event, fault));
  PROVE(state, event.account_id == 1 && event.data.json() == R"("foo")" && event.id.empty());
  for (auto _ : state) {
    benchmark::DoNotOptimize(decode_event(text.data(), text.size(), data_bytes_max, event, fault));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
BENCHMARK(decode_example);

void decode_all_members(benchmark::State& state) {
  std::string text = R"({"id":"order-4711","occurred_at":"2026-11-23T20:24:06.751257Z","account_id":9007199254740993,)"
                     R"("data":{"type":"click","x":17,"y":-3.5,"tags":["a","b"],"nested":{"ok":true,"none":null}}})";
  Event event;
  DecodeFault fault;
  PROVE(state, decode_event(text.data(), text.size(), data_bytes_max, event, fault));
  PROVE(state, event.account_id == 9007199254740993 && event.id == "order-4711" && event.occurred_at);
  for (auto _ : state) {
    benchmark::DoNotOptimize(decode_event(text.data(), text.size(), data_bytes_max, event, fault));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
BENCHMARK(decode_all_members);

// A body of 1,000 different lines, as NDJSON intake sees them; time and rate are per event.
void decode_1000_lines(benchmark::State& state) {
  std::vector<std::string> lines;
  for (int i = 0; i < 1000; ++i) {
    lines.push_back(R"({"account_id":)" + std::to_string(i % 7 + 1) + R"(,"data":{"n":)" + std::to_string(i * 37) +
                    R"(,"text":")" + std::string(static_cast<std::size_t>(i % 23), 'x') + R"("}})");
  }
  Event event;
  DecodeFault fault;
  std::size_t accepted = 0;
  for (auto& line : lines) accepted += decode_event(line.data(), line.size(), data_bytes_max, event, fault);
  PROVE(state, accepted == lines.size());
  for (auto _ : state) {
    for (auto& line : lines) {
      benchmark::DoNotOptimize(decode_event(line.data(), line.size(), data_bytes_max, event, fault));
    }
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * lines.size()));
}
BENCHMARK(decode_1000_lines);

void decode_array_of_1000(benchmark::State& state) {
  std::string text = "[";
  for (int i = 0; i < 1000; ++i) text.append(i ? "," : "").append(example);
  text.append("]");
  std::vector<ArrayElement> elements;
  DecodeFault fault;
  PROVE(state, decode_event_array(text.data(), text.size(), data_bytes_max, 1000, elements, fault));
  PROVE(state, elements.size() == 1000 && elements[999].fault.code == Code::ok);
  for (auto _ : state) {
    benchmark::DoNotOptimize(decode_event_array(text.data(), text.size(), data_bytes_max, 1000, elements, fault));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * 1000);
}
BENCHMARK(decode_array_of_1000);

std::string json_of_4_kib(std::string_view text) {
  std::string json = "[";
  while (json.size() < 4000) {
    json.append(json.size() > 1 ? "," : "")
        .append(R"({"name":")")
        .append(text)
        .append(R"(","id":123456,"price":-12.5e3,"ok":true,"none":null,"list":[1,2,3]})");
  }
  return json.append("]");
}

void validate(benchmark::State& state, const std::string& json, bool is_valid = true) {
  JsonTraits traits;
  JsonFault fault;
  PROVE(state, validate_json(json, nesting_max, traits, fault) == is_valid);
  for (auto _ : state) benchmark::DoNotOptimize(validate_json(json, nesting_max, traits, fault));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * json.size()));
}

void validate_4_kib_mixed(benchmark::State& state) { validate(state, json_of_4_kib("a product of some kind")); }
BENCHMARK(validate_4_kib_mixed);

void validate_4_kib_string(benchmark::State& state) { validate(state, '"' + std::string(4094, 'x') + '"'); }
BENCHMARK(validate_4_kib_string);

void validate_4_kib_cyrillic(benchmark::State& state) {
  std::string json = "\"";
  while (json.size() < 4094) json.append("я");
  validate(state, json + '"');
}
BENCHMARK(validate_4_kib_cyrillic);

void write_line(benchmark::State& state) {
  const EventLineParts parts{.id = "01936f5e-8c1a-7cc3-98c4-dc0c0c07398f",
                             .account_id = 1,
                             .timestamp = example_time.data(),
                             .occurred_at = nullptr,
                             .producer = "5zq0w9c1",
                             .sequence = 42,
                             .data = R"("foo")"};
  std::vector<char> line(event_line_bytes_max(parts.data.size()));
  PROVE(state, std::string_view(line.data(), static_cast<std::size_t>(write_event_line(line.data(), parts) -
                                                                      line.data())) == example_line);
  for (auto _ : state) {
    benchmark::DoNotOptimize(write_event_line(line.data(), parts));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(write_line);

// As in a lane that is warm: other numbers and data of other sizes each time.
void write_1000_different_lines(benchmark::State& state) {
  std::vector<EventLineParts> events;
  const std::string data(130, '1');
  for (std::uint64_t i = 0; i < 1000; ++i) {
    events.push_back({.id = "01936f5e-8c1a-7cc3-98c4-dc0c0c07398f",
                      .account_id = static_cast<AccountId>(i * i % 1013 + 1),
                      .timestamp = example_time.data(),
                      .occurred_at = nullptr,
                      .producer = "5zq0w9c1",
                      .sequence = 900'000 + i * 3,
                      .data = std::string_view(data).substr(0, i * 7 % 128 + 1)});
  }
  std::vector<char> line(event_line_bytes_max(data.size()));
  for (const auto& event : events) {
    const auto size = static_cast<std::size_t>(write_event_line(line.data(), event) - line.data());
    const auto fields = parse_event_line({line.data(), size});
    PROVE(state, fields && fields->sequence == event.sequence && fields->data == event.data);
  }
  for (auto _ : state) {
    for (const auto& event : events) benchmark::DoNotOptimize(write_event_line(line.data(), event));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * events.size()));
}
BENCHMARK(write_1000_different_lines);

void parse_line(benchmark::State& state) {
  const auto fields = parse_event_line(example_line);
  PROVE(state, fields && fields->sequence == 42 && fields->producer == "5zq0w9c1" && fields->data == R"("foo")");
  for (auto _ : state) benchmark::DoNotOptimize(parse_event_line(example_line));
}
BENCHMARK(parse_line);

void write_timestamp(benchmark::State& state) {
  char text[rfc3339_size];
  auto time = parse_rfc3339(example_time).value();
  write_rfc3339(text, time);
  PROVE(state, std::string_view(text, sizeof text) == example_time);
  for (auto _ : state) {
    benchmark::DoNotOptimize(write_rfc3339(text, time));
    benchmark::ClobberMemory();
    time += std::chrono::microseconds(1'000'003);
  }
}
BENCHMARK(write_timestamp);

void parse_timestamp(benchmark::State& state) {
  PROVE(state, parse_rfc3339("1970-01-01T00:00:01Z") == Timestamp(std::chrono::seconds(1)));
  for (auto _ : state) benchmark::DoNotOptimize(parse_rfc3339(example_time));
}
BENCHMARK(parse_timestamp);

void cursor_to_text_and_back(benchmark::State& state) {
  const Cursor cursor{
      .incarnation = 7, .position = 4711, .timestamp = parse_rfc3339(example_time).value(), .id_hash = 9};
  PROVE(state, parse_cursor(to_text(cursor)) == cursor);
  for (auto _ : state) benchmark::DoNotOptimize(parse_cursor(to_text(cursor)));
}
BENCHMARK(cursor_to_text_and_back);

}  // namespace
