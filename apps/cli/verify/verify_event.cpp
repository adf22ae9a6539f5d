#include "verify_event.h"

#include "common/values.h"

#include <algorithm>
#include <random>

namespace tracking::cli {
namespace {

constexpr std::string_view begin_of_data = R"({"try":1)";
constexpr std::size_t attempt_at = 7;  // of the digit in it
constexpr std::string_view pad_name = R"(,"pad":")";
constexpr std::string_view end_name = R"(,"end":)";
constexpr std::string_view streams_name = R"(,"streams":)";

// splitmix64: every id has a filling of its own, so that bytes of another event are noticed.
std::uint64_t next_random(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  std::uint64_t mixed = state;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

// Takes what stands before `separator` off the text; all of it if there is none.
std::string_view take(std::string_view& text, char separator) {
  const auto end = std::min(text.find(separator), text.size());
  const auto taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}

std::optional<std::uint64_t> number_after(std::string_view json, std::string_view name) {
  const auto at = json.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  json.remove_prefix(at + name.size());
  return apps::parse_integer(json.substr(0, json.find_first_not_of("0123456789")));
}

void understand_data(std::string_view id, std::string_view data, VerifyEvent& event) {
  event.is_sent_again = data.size() > attempt_at && data[attempt_at] != '1';
  if (event.kind == VerifyEvent::Kind::end) {
    const auto accepted = number_after(data, end_name);
    const auto streams = number_after(data, streams_name);
    event.is_intact = accepted && streams;
    if (event.is_intact) event.end = {*accepted, *streams};
    return;
  }
  std::string expected = verify_data(id, data.size());
  if (data.size() > attempt_at) expected[attempt_at] = data[attempt_at];
  event.is_intact = data == expected;
}

}  // namespace

bool is_run_name(std::string_view text) {
  constexpr std::string_view allowed = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
  return !text.empty() && text.size() <= 16 && text.find_first_not_of(allowed) == std::string_view::npos;
}

std::string make_run_name() {
  constexpr std::string_view letters = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::random_device random;
  std::string name = "v";
  while (name.size() < 11) name += letters[random() % letters.size()];
  return name;
}

std::string verify_id(std::string_view run, VerifyEvent::Kind kind, VerifyStream stream, std::uint64_t number) {
  std::string id(run);
  id.append("-").append(std::to_string(stream.lane)).append("-").append(std::to_string(stream.account_id)).append("-");
  if (kind == VerifyEvent::Kind::end) return id.append("end");
  if (kind == VerifyEvent::Kind::hello) id.append("h");
  return id.append(std::to_string(number));
}

std::string verify_data(std::string_view id, std::size_t bytes) {
  std::string data(begin_of_data);
  data.append(pad_name);
  std::uint64_t state = hash_id(id);
  while (data.size() + 2 < bytes) {
    std::uint64_t random = next_random(state);
    for (int i = 0; i < 8 && data.size() + 2 < bytes; ++i, random >>= 8) {
      data += static_cast<char>('a' + (random & 0xff) % 26);
    }
  }
  return data.append("\"}");
}

std::string verify_end_data(const VerifyEnd& end) {
  std::string data(begin_of_data);
  data.append(end_name).append(std::to_string(end.accepted));
  return data.append(streams_name).append(std::to_string(end.streams)).append("}");
}

void set_attempt(std::string& data, unsigned attempt) {
  data[attempt_at] = static_cast<char>('0' + std::min(attempt, 9u));
}

std::optional<VerifyEvent> parse_verify_event(std::string_view run, const EventFields& fields) {
  std::string_view id = fields.id;
  if (take(id, '-') != run) return std::nullopt;
  const auto lane = apps::parse_integer(take(id, '-'));
  const auto account_id = apps::parse_integer(take(id, '-'));
  if (!lane || *lane > UINT32_MAX || !account_id || std::cmp_not_equal(*account_id, fields.account_id)) {
    return std::nullopt;
  }
  VerifyEvent event{.stream = {static_cast<std::uint32_t>(*lane), fields.account_id}};
  if (id == "end") {
    event.kind = VerifyEvent::Kind::end;
  } else {
    if (id.starts_with('h')) {
      event.kind = VerifyEvent::Kind::hello;
      id.remove_prefix(1);
    }
    const auto number = apps::parse_integer(id);
    if (!number || *number == 0) return std::nullopt;
    event.number = *number;
  }
  understand_data(fields.id, fields.data, event);
  return event;
}

}  // namespace tracking::cli
