// What the brokers' tests share: lines to publish, outcomes that are waited for without an allocation, and readers.
#pragma once

#include <tracking/broker.h>
#include <tracking/clock.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "codec/rfc3339.h"

namespace tracking::test {

using namespace std::chrono_literals;

inline constexpr auto patience = 30s;

/// Event lines e1, e2, ... of accounts 1 and 2 in turn, of this moment: retention leaves them alone.
class TestLines {
 public:
  TestLines(std::size_t count, std::size_t data_bytes) {
    const Timestamp now = Clock::system().now();
    char time_text[codec::rfc3339_size];
    codec::write_rfc3339(time_text, now);
    for (std::size_t i = 1; i <= count; ++i) {
      const std::string& id = texts_.emplace_back("e" + std::to_string(i));
      const AccountId account = 2 - static_cast<AccountId>(i % 2);
      const std::string& json =
          texts_.emplace_back(R"({"id":")" + id + R"(","account_id":)" + std::to_string(account) + R"(,"timestamp":")" +
                              std::string(time_text, sizeof time_text) + R"(","producer":"p","sequence":)" +
                              std::to_string((i + 1) / 2) + R"(,"data":")" + std::string(data_bytes, 'x') + "\"}");
      lines_.push_back({.json = json, .account_id = account, .id = id, .timestamp = now, .sequence = (i + 1) / 2});
    }
  }
  Lines some(std::size_t first, std::size_t count, AckLevel ack) const {
    return Lines(std::span(lines_).subspan(first, count), ack);
  }
  std::string id(std::size_t index) const { return std::string(lines_[index].id); }

 private:
  std::deque<std::string> texts_;
  std::vector<Line> lines_;
};

/// The outcomes of one publish().
class Outcomes final : public CompletionTarget {
 public:
  void resolve(std::size_t index, const Outcome& outcome) noexcept override { codes_[index] = outcome.code; }
  void finish(const Outcome& outcome) noexcept override {
    const std::lock_guard lock(mutex_);
    rest_ = outcome.code;
    ++finishes_;
    finished_.notify_all();
  }

  /// Of the whole batch, which must have been finished once.
  void wait() {
    std::unique_lock lock(mutex_);
    finished_.wait_for(lock, patience, [this] { return finishes_ > 0; });
  }
  int finishes() {
    const std::lock_guard lock(mutex_);
    return finishes_;
  }
  Code code(std::size_t index) {
    const std::lock_guard lock(mutex_);
    return codes_[index].value_or(rest_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable finished_;
  std::array<std::optional<Code>, 16> codes_{};
  Code rest_ = Code::internal;
  int finishes_ = 0;
};

/// A subscription with its wake.
class Reader {
 public:
  /// False: it could not be opened.
  bool open(Broker& broker, const SubscribeOptions& options) noexcept {
    return adopt(broker.subscribe(options, wake()));
  }
  bool adopt(Result<std::unique_ptr<Subscription>> opened) noexcept {
    code = opened.code();
    if (opened) subscription = std::move(*opened);
    return opened.is_ok();
  }
  Wake wake() noexcept {
    return [this] {
      const std::lock_guard lock(mutex_);
      is_woken_ = true;
      woken_.notify_all();
    };
  }
  /// Waits for the wake, until the time.
  bool wait(std::chrono::steady_clock::time_point until) {
    std::unique_lock lock(mutex_);
    const bool was_woken = woken_.wait_until(lock, until, [this] { return is_woken_; });
    is_woken_ = false;
    return was_woken;
  }

 private:
  std::mutex mutex_;
  std::condition_variable woken_;
  bool is_woken_ = false;

 public:
  std::unique_ptr<Subscription> subscription;  // the last: it wakes until it is gone
  Code code = Code::ok;
};

/// What was read: how often each event, and how many gaps.
struct Read {
  std::map<std::string, int> events;
  int gaps = 0;
  bool has_ended = false;
};

/// Reads until that event has come, or the subscription has ended, or there are so many events, or until the time.
inline void read_what_comes(Reader& reader, Read& read, std::chrono::steady_clock::time_point until,
                            const std::string& last, std::size_t events = SIZE_MAX) {
  Deliveries out;
  for (;;) {
    const ReadState state = reader.subscription->read(out, 100, 1 << 20);
    for (const DeliveryView& view : out) {
      if (view.gap) {
        ++read.gaps;
      } else if (const auto fields = parse_event_line(view.json)) {
        ++read.events[std::string(fields->id)];
      }
    }
    if (state == ReadState::ended) {
      read.has_ended = true;
      break;
    }
    if (read.events.size() >= events || read.events.contains(last)) break;
    if (state == ReadState::idle && !reader.wait(until)) break;
  }
}

/// Reads until there have been `events`, or that event, or the subscription has ended, or nothing comes for long.
inline Read read_until(Reader& reader, std::size_t events, const std::string& last = {}) {
  Read read;
  read_what_comes(reader, read, std::chrono::steady_clock::now() + patience, last, events);
  return read;
}

/// All the history there is.
inline Read read_history(Broker& broker) {
  Reader reader;
  if (!reader.open(broker, {.since = "all", .follow = false})) return {};
  return read_until(reader, SIZE_MAX);
}

/// Publishes until it is accepted: with memory again that works before long.
inline bool publish_patiently(Broker& broker, const Lines& lines) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    Outcomes outcomes;
    broker.publish(lines, Completion(outcomes));
    outcomes.wait();
    if (outcomes.finishes() == 1 && outcomes.code(0) == Code::ok) return true;
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
}

}  // namespace tracking::test
