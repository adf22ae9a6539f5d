// What the tests of the account directory share.
#pragma once

#include <gtest/gtest.h>
#include <tracking/account.h>
#include <tracking/testing.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "engine/account_directory.h"

namespace tracking::engine {

using namespace std::chrono_literals;

inline void PrintTo(AccountAnswer answer, std::ostream* out) {
  static constexpr const char* names[] = {"unknown",     "inactive",   "active", "must_wait",
                                          "unavailable", "overloaded", "closed"};
  *out << names[static_cast<int>(answer)];
}

/// Waits for something that other threads bring about.
inline bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds deadline = 10s) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

/// What all instances of a ScriptedRepository share. The test turns it while the directory asks.
struct Script {
  std::mutex mutex;
  std::condition_variable turned;
  std::map<AccountId, AccountState> states;     // guarded by mutex, as all that follows
  std::vector<std::vector<AccountId>> queries;  // what find() was asked, in order
  bool is_held = false;                         // find() waits inside
  int inside = 0;                               // calls of find() under way
  Code failure = Code::ok;
  AccountWatch watch = AccountWatch::unsupported;
  std::list<std::vector<AccountId>> changes;  // told one by one; an empty one means `all`
  int watch_calls = 0;
  int pings = 0;

  void set(AccountId id, AccountState state) {
    std::lock_guard lock(mutex);
    states[id] = state;
  }
  void fail_with(Code code) {
    std::lock_guard lock(mutex);
    failure = code;
  }
  void hold(bool held) {
    std::lock_guard lock(mutex);
    is_held = held;
    turned.notify_all();
  }
  void set_watch(AccountWatch to) {
    std::lock_guard lock(mutex);
    watch = to;
  }
  void tell(std::vector<AccountId> ids) {
    std::lock_guard lock(mutex);
    changes.push_back(std::move(ids));
    turned.notify_all();
  }
  std::vector<std::size_t> query_sizes() {
    std::lock_guard lock(mutex);
    std::vector<std::size_t> sizes;
    for (const auto& query : queries) sizes.push_back(query.size());
    return sizes;
  }
  std::size_t query_count() {
    std::lock_guard lock(mutex);
    return queries.size();
  }
  bool wait_for_queries(std::size_t count) {
    return eventually([&] { return query_count() >= count; });
  }
  /// The watch has begun and has nothing to tell.
  bool wait_for_watch() {
    std::unique_lock lock(mutex);
    const int calls = watch_calls;
    lock.unlock();
    return eventually([&] {
      std::lock_guard again(mutex);
      return watch_calls >= calls + 3 && changes.empty();
    });
  }
};

class ScriptedRepository final : public AccountRepository {
 public:
  explicit ScriptedRepository(std::shared_ptr<Script> script) : script_(std::move(script)) {}

  Status find(std::span<const AccountId> ids, std::span<AccountState> states) noexcept override {
    std::unique_lock lock(script_->mutex);
    script_->queries.emplace_back(ids.begin(), ids.end());
    // What it answers is decided when the query comes in, as in a database.
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto at = script_->states.find(ids[i]);
      states[i] = at == script_->states.end() ? AccountState::unknown : at->second;
    }
    const Code failure = script_->failure;
    ++script_->inside;
    script_->turned.wait(lock, [&] { return !script_->is_held; });
    --script_->inside;
    if (failure != Code::ok) return {failure, "scripted"};
    return {};
  }
  std::unique_ptr<AccountRepository> another() noexcept override {
    return std::make_unique<ScriptedRepository>(script_);
  }
  AccountWatch wait_for_changes(std::chrono::milliseconds timeout, std::vector<AccountId>& changed) noexcept override {
    std::unique_lock lock(script_->mutex);
    ++script_->watch_calls;
    if (script_->watch == AccountWatch::unsupported) return script_->watch;
    script_->turned.wait_for(lock, timeout, [&] { return !script_->changes.empty(); });
    if (script_->watch == AccountWatch::lost) return script_->watch;
    if (script_->changes.empty()) return AccountWatch::quiet;
    changed = std::move(script_->changes.front());
    script_->changes.pop_front();
    return changed.empty() ? AccountWatch::all : AccountWatch::some;
  }
  Status ping() noexcept override {
    std::lock_guard lock(script_->mutex);
    ++script_->pings;
    if (script_->failure != Code::ok) return {script_->failure, "scripted"};
    return {};
  }
  Result<Account> change(AccountId id, const AccountChange& change) noexcept override {
    const bool is_active = change.is_active.value_or(true);
    script_->set(id, is_active ? AccountState::active : AccountState::inactive);
    return Account{id, "scripted", is_active};
  }
  Status add(const Account& account) noexcept override {
    script_->set(account.id, account.is_active ? AccountState::active : AccountState::inactive);
    return {};
  }
  Status remove(AccountId id) noexcept override {
    script_->set(id, AccountState::unknown);
    return {};
  }

 private:
  const std::shared_ptr<Script> script_;
};

/// A lane that only takes notes. Ends when all that it parked was handed back.
class NotingTarget final : public ParkedTarget {
 public:
  ~NotingTarget() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(turned_.wait_for(lock, 10s, [&] { return answers_.size() == parked_; }));
  }

  /// Parks an event of `id`, or notes the answer that it got at once.
  AccountAnswer park(AccountDirectory& directory, AccountId id) {
    Parked* parked;
    {
      std::lock_guard lock(mutex_);
      parked = &nodes_.emplace_back();
    }
    parked->account_id = id;
    parked->target = this;
    const AccountAnswer answer = directory.park(*parked);
    std::lock_guard lock(mutex_);
    parked_ += answer == AccountAnswer::must_wait;
    return answer;
  }
  void resolved(std::span<Parked* const> parked) noexcept override {
    std::unique_lock lock(mutex_);
    ++inside_;
    turned_.wait(lock, [&] { return !is_held_; });
    --inside_;
    for (const Parked* one : parked) answers_.emplace_back(one->account_id, one->answer);
    turned_.notify_all();
  }

  void hold(bool held) {
    std::lock_guard lock(mutex_);
    is_held_ = held;
    turned_.notify_all();
  }
  bool wait_until_inside() {
    return eventually([&] {
      std::lock_guard lock(mutex_);
      return inside_ > 0;
    });
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return turned_.wait_for(lock, 10s, [&] { return answers_.size() >= count; });
  }
  /// The first answer that came for `id`; must_wait if none did.
  AccountAnswer answer_of(AccountId id) {
    std::lock_guard lock(mutex_);
    for (const auto& [account, answer] : answers_) {
      if (account == id) return answer;
    }
    return AccountAnswer::must_wait;
  }
  std::vector<std::pair<AccountId, AccountAnswer>> answers() {
    std::lock_guard lock(mutex_);
    return answers_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable turned_;
  std::list<Parked> nodes_;
  std::size_t parked_ = 0;
  std::vector<std::pair<AccountId, AccountAnswer>> answers_;
  bool is_held_ = false;
  int inside_ = 0;
};

/// A directory over a script, and a clock that stands still. So does the time in which queries and watches are found to
/// take too long: on a busy machine they would, while a test does something else.
class DirectoryTest : public ::testing::Test {
 protected:
  DirectoryTest() {
    options_.clock = &clock_;
    options_.account_lookup_threads = 1;
    for (AccountId id = 1; id <= 9; ++id) script_->states[id] = AccountState::active;
    script_->states[9] = AccountState::inactive;
  }
  ~DirectoryTest() override { script_->hold(false); }

  void open() {
    directory_ = std::make_unique<AccountDirectory>(std::make_shared<ScriptedRepository>(script_), options_,
                                                    DirectoryDrive{.real = real_});
    ASSERT_TRUE(eventually([&] { return directory_->health().is_ok() || script_->failure != Code::ok; }));
  }
  void open_watched() {
    script_->watch = AccountWatch::quiet;
    open();
    ASSERT_TRUE(script_->wait_for_watch());
    pass(1s);  // what was doubted when the watch began is forgotten
  }
  /// As an event would: asks, and waits if it must.
  AccountAnswer ask(AccountId id) {
    if (const AccountAnswer answer = directory_->find(id); answer != AccountAnswer::must_wait) return answer;
    NotingTarget target;
    if (const AccountAnswer answer = target.park(*directory_, id); answer != AccountAnswer::must_wait) return answer;
    if (!target.wait_for(1)) ADD_FAILURE() << "nobody answers";
    const AccountAnswer answer = target.answers().at(0).second;
    if (answer == AccountAnswer::unavailable) return answer;
    // What is known becomes visible a moment after it was handed back.
    EXPECT_TRUE(eventually([&] { return directory_->find(id) != AccountAnswer::must_wait; }));
    return answer;
  }
  /// Lets at least a second pass. The ping that is due then shows that the directory has noticed.
  void pass(std::chrono::milliseconds time) {
    const auto pings = [&] {
      std::lock_guard lock(script_->mutex);
      return script_->pings;
    };
    const int before = pings();
    clock_.advance(time);
    EXPECT_TRUE(eventually([&] { return pings() > before; }));
  }
  ServiceStats stats() {
    ServiceStats stats;
    directory_->add_stats(stats);
    return stats;
  }

  testing::ManualClock clock_;
  Clock* real_ = &clock_at_rest_;
  ServiceOptions options_;
  std::shared_ptr<Script> script_ = std::make_shared<Script>();
  testing::ManualClock clock_at_rest_;
  std::unique_ptr<AccountDirectory> directory_;
};

}  // namespace tracking::engine
