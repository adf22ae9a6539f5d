#include <tracking/web.h>

#include <array>

#include "web/text.h"

namespace tracking::web {

// `received` grows before an event is handed on, and `ended` grows (release) after it. A reader adds up `ended` first
// (acquire): every end that it sees brings its beginning with it, so that received is never less than the ends read.
struct alignas(64) Ledger::Slot {
  std::atomic<std::uint64_t> received{0};
  std::array<std::atomic<std::uint64_t>, code_count> ended{};
};

Ledger::Ledger() : slots_(std::make_unique<Slot[]>(slot_count)) {}
Ledger::~Ledger() = default;

Ledger::Slot& Ledger::slot() noexcept {
  static std::atomic<unsigned> threads{0};
  thread_local const unsigned index = threads.fetch_add(1, std::memory_order_relaxed) % slot_count;
  return slots_[index];
}

void Ledger::received(std::uint64_t events) noexcept { slot().received.fetch_add(events, std::memory_order_relaxed); }

void Ledger::ended(Code code, std::uint64_t events) noexcept {
  slot().ended[static_cast<std::size_t>(code)].fetch_add(events, std::memory_order_release);
}

Ledger::Reading Ledger::read() const {
  std::array<std::uint64_t, code_count> ended{};
  for (int i = 0; i < slot_count; ++i) {
    for (int code = 0; code < code_count; ++code) ended[code] += slots_[i].ended[code].load(std::memory_order_acquire);
  }
  Reading reading;
  for (int i = 0; i < slot_count; ++i) reading.received += slots_[i].received.load(std::memory_order_relaxed);

  reading.in_flight = reading.received;
  for (int i = 0; i < code_count; ++i) {
    if (ended[i] == 0) continue;
    const auto code = static_cast<Code>(i);
    reading.in_flight -= ended[i];
    if (code == Code::ok) {
      reading.accepted = ended[i];
    } else if (http_status(code) < 500) {
      reading.rejected[name(code)] = ended[i];
    } else {
      reading.failed[name(code)] = ended[i];
    }
  }
  return reading;
}

namespace {

void append_counts(std::string& out, const std::map<std::string_view, std::uint64_t>& counts) {
  out += '{';
  for (const auto& [type, count] : counts) {
    if (out.back() != '{') out += ',';
    out.append("\"").append(type).append("\":");
    append_number(out, count);
  }
  out += '}';
}

}  // namespace

std::string Ledger::json() const {
  const Reading reading = read();
  std::string out = "{\"received\":";
  append_number(out, reading.received);
  out += ",\"accepted\":";
  append_number(out, reading.accepted);
  out += ",\"rejected\":";
  append_counts(out, reading.rejected);
  out += ",\"failed\":";
  append_counts(out, reading.failed);
  out += ",\"in_flight\":";
  append_number(out, reading.in_flight);
  out += '}';
  return out;
}

}  // namespace tracking::web
