// What the engine's tests share.
#pragma once

#include <tracking/testing.h>
#include <tracking/tracking.h>

#include <deque>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tracking::test {

using namespace std::chrono_literals;

/// Keeps what it is given, and completes it when it is told to.
class RecordingBroker final : public Broker {
 public:
  void publish(Lines lines, Completion done) noexcept override {
    const std::lock_guard lock(mutex_);
    for (const Line& line : lines) lines_.emplace_back(line.json);
    if (is_holding) {
      held_.push_back(std::move(done));
    } else {
      done.all(AckLevel::sent);
    }
  }
  BrokerTraits traits() const noexcept override { return traits_value; }

  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    lines_.clear();
  }
  std::size_t held() {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }
  Completion take_held() {
    const std::lock_guard lock(mutex_);
    Completion done = std::move(held_.front());
    held_.pop_front();
    return done;
  }

  bool is_holding = false;
  BrokerTraits traits_value;

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
  std::deque<Completion> held_;
};

/// Accounts 1 and 3 are active, 2 is not; whether they change cannot be watched.
class FixedAccounts final : public AccountRepository {
 public:
  Status find(std::span<const AccountId> ids, std::span<AccountState> states) noexcept override {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      states[i] = ids[i] == 1 || ids[i] == 3 ? AccountState::active
                  : ids[i] == 2              ? AccountState::inactive
                                             : AccountState::unknown;
    }
    return {};
  }
};

/// A service over accounts 1 and 3 (active) and 2 (inactive), and a broker that the test keeps in sight.
struct RecordedService {
  explicit RecordedService(ServiceOptions options = {}) {
    service = TrackingService::open(std::make_unique<FixedAccounts>(), broker, options).value();
    warm_up_lane = service->lane();
    // Known accounts from here on: what is tracked next completes on the caller's thread. A lane of its own, so that
    // the test's sequences begin at 1.
    const std::vector<Event> first{{.account_id = 1, .data = "0"},
                                   {.account_id = 2, .data = "0"},
                                   {.account_id = 3, .data = "0"},
                                   {.account_id = 9, .data = "0"}};
    // An account's answer is seen by all only after those who waited for it were served, so one round is not enough.
    for (bool is_inline = false; !is_inline;) {
      std::promise<void> done;
      const auto caller = std::this_thread::get_id();
      warm_up_lane->track(first, [&](std::span<const Receipt>) {
        is_inline = std::this_thread::get_id() == caller;
        done.set_value();
      });
      done.get_future().wait();
    }
    broker->clear();
  }
  std::shared_ptr<RecordingBroker> broker = std::make_shared<RecordingBroker>();
  std::unique_ptr<TrackingService> service;
  std::unique_ptr<Lane> warm_up_lane;  // goes before its service
};

/// Receipts of an asynchronous call.
struct Receipts {
  std::vector<Receipt> all;
  int calls = 0;
  ReceiptHandler handler() {
    return [this](std::span<const Receipt> receipts) {
      ++calls;
      all.assign(receipts.begin(), receipts.end());
    };
  }
};

}  // namespace tracking::test
