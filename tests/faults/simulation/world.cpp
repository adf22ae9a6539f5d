#include "faults/simulation/world.h"

#include <algorithm>
#include <array>

#include "faults/simulation/post.h"
#include "memory/memory_broker.h"

namespace tracking::simulation {
namespace {

using namespace std::chrono_literals;

// The timekeeper's and the watch's.
constexpr Time slice = 50ms;

std::string text(std::uint64_t number) { return std::to_string(number); }
std::string text(Time time) { return std::to_string(time.count() / 1'000'000) + " ms"; }

}  // namespace

World::World(std::uint64_t seed, Journal& journal)
    : random_(seed),
      journal_(journal),
      accounts_count_(random_.between(2, 10)),
      padding_bytes_max_(random_.chance(20) ? 10'000 : 20),
      may_close_early_(random_.chance(30)),
      truth_(std::make_shared<AccountTruth>(random_.chance(60))) {
  options_.clock = &clock_;
  options_.account_ttl = 2s;
  options_.account_stale_max = 20s;
  options_.account_cache_max = 1'000;
  options_.duplicate_keys_max = 16'000;
  options_.duplicate_window = 5s;
  options_.parked_events_max = random_.chance(20) ? 10 : 1'000;
  for (std::uint64_t id = 1; id < accounts_count_; ++id) {  // the last one is not known at first
    truth_->set(static_cast<AccountId>(id), random_.chance(80) ? AccountState::active : AccountState::inactive, now_);
  }
  truth_->lose_news();
  const std::size_t history_bytes = random_.chance(30) ? 16 << 10 : 4 << 20;
  auto log = std::make_unique<RecordingBroker>(memory::make_memory_broker(history_bytes, clock_), random_);
  log_ = log.get();
  auto faulty = std::make_unique<testing::FaultyBroker>(std::move(log), broker_faults_);
  faulty_ = faulty.get();
  auto watched = std::make_shared<WatchedBroker>(std::move(faulty), [this](const Line& line) { accepted(line); });
  const auto make_accounts = [&] {
    return std::make_unique<testing::FaultyRepository>(std::make_unique<TrueAccounts>(truth_, now_),
                                                       repository_faults_);
  };
  asked_repository_ = make_accounts();
  engine_ = std::make_unique<engine::Engine>(options_, make_accounts(), std::move(watched),
                                             engine::DirectoryDrive{.has_threads = false, .real = &clock_});
  const std::uint64_t lanes = random_.between(1, 3);
  for (std::size_t i = 0; i < lanes; ++i) {
    lanes_.push_back(std::make_unique<TapLane>(*this, engine_->lane()));
    routes_.push_back(std::make_unique<web::EventRoutes>(*lanes_.back(), ledger_, *engine_));
  }
}

World::~World() {
  engine_->close(0ms).ignore();
  const bool is_answered =
      std::all_of(posts_.begin(), posts_.end(), [](const auto& post) { return post->answers > 0; });
  if (is_answered) return;
  // A promise was broken, and routes wait for their replies when they are destroyed.
  for (auto& routes : routes_) static_cast<void>(routes.release());
}

void World::run() {
  open_reader();
  const std::uint64_t steps = random_.between(20, 120);
  for (std::uint64_t i = 0; i < steps; ++i) {
    step();
    check_ledger();
    expect(broken_.empty(), broken_);
    expect(log_->complaint().empty(), log_->complaint());
  }
  if (!may_close_early_) heal();
  close();
  check_at_rest();
}

void World::step() {
  switch (random_.below(20)) {
    default:
      return post();
    case 8:
      return change_account();
    case 9:
      return administer();
    case 10:
      return turn_repository();
    case 11:
      return turn_broker();
    case 12:
      return turn_link();
    case 13:
    case 14:
      return turn_readers();
    case 15:
      return look_up(false);
    case 16:
    case 17:
      return pass(std::chrono::milliseconds(random_.below(100)));
    case 18:
      return pass(std::chrono::milliseconds(random_.below(1'500)));
    case 19:
      return pass(random_.chance(20) ? Time(std::chrono::seconds(random_.below(25))) : Time(0));
  }
}

// --- What can happen -------------------------------------------------------------------------------------------------

void World::change_account() {
  const AccountId id = pick_account();
  const auto state = static_cast<AccountState>(random_.below(3));
  journal_.note("account " + text(id) + " becomes " + text(static_cast<int>(state)));
  truth_->set(id, state, now_);
}

void World::administer() {
  const AccountId id = pick_account();
  bool worked = false;
  switch (random_.below(4)) {
    case 0:
      worked = engine_->add_account({.id = id, .name = "one"}).is_ok();
      break;
    case 1:
      worked = engine_->remove_account(id).is_ok();
      break;
    default:
      worked = static_cast<bool>(engine_->change_account(id, {.name = std::nullopt, .is_active = random_.chance(50)}));
  }
  journal_.note("account " + text(id) + " is administered: " + text(worked) + ", now " +
                text(static_cast<int>(truth_->state(id))));
  if (worked) administered_[id] = truth_->version(id);
}

void World::turn_repository() {
  const auto what = random_.below(6);
  journal_.note("repository: " + text(what));
  if (what == 0) repository_faults_->fail_with(Code::accounts_unavailable);
  if (what == 1) repository_faults_->fail_next(static_cast<int>(random_.between(1, 3)), Code::accounts_unavailable);
  if (what == 2) are_lookups_stuck_ = true;
  if (what >= 3) {
    repository_faults_->fail_with(Code::ok);
    are_lookups_stuck_ = false;
  }
}

void World::turn_broker() {
  const auto what = random_.below(9);
  journal_.note("broker: " + text(what));
  if (what == 0) broker_faults_->fail_with(random_.chance(50) ? Code::broker_unavailable : Code::in_doubt);
  if (what == 1) {
    constexpr std::array codes{Code::broker_unavailable, Code::in_doubt, Code::overloaded};
    broker_faults_->fail_next(static_cast<int>(random_.between(1, 3)), codes[random_.below(codes.size())]);
  }
  if (what == 2) broker_faults_->hold();
  if (what == 3) faulty_->complete_held(random_.chance(50) ? Code::in_doubt : Code::broker_unavailable);
  if (what == 4) log_->set_answers_lost_percent(30);
  if (what < 5) return;
  broker_faults_->fail_with(Code::ok);
  broker_faults_->release();
  faulty_->complete_held();
  log_->set_answers_lost_percent(0);
}

void World::turn_link() {
  is_link_down_ = random_.chance(30);
  is_watch_stuck_ = random_.chance(20);
  journal_.note("link down " + text(is_link_down_) + ", watch stuck " + text(is_watch_stuck_));
}

void World::pass(Time time) {
  journal_.note("time " + text(now_) + " + " + text(time));
  if (random_.chance(3)) {
    clock_.jump(std::chrono::seconds(random_.below(7'200)) - 1h);
    ++jumps_;
  }
  while (time > 0ns) {
    const Time some = std::min(time, slice);
    clock_.advance(some);
    now_ += some;
    time -= some;
    keep_going();
  }
}

// --- Readers ---------------------------------------------------------------------------------------------------------

void World::turn_readers() {
  if (readers_.size() < 6 && random_.chance(25)) return open_reader();
  if (readers_.empty()) return;
  const std::size_t place = random_.below(readers_.size());
  Reader& reader = *readers_[place];
  if (random_.chance(10)) {
    cursors_.push_back(reader.leave());
    readers_.erase(readers_.begin() + static_cast<std::ptrdiff_t>(place));
    return;
  }
  if (random_.chance(15)) {
    std::vector<AccountId> filter;
    for (std::uint64_t id = 1; id <= accounts_count_; ++id) {
      if (random_.chance(50)) filter.push_back(static_cast<AccountId>(id));
    }
    if (!filter.empty()) {
      journal_.note("reader " + text(place) + " changes its accounts");
      reader.set_accounts(filter);
    }
  }
  const std::uint64_t reads = random_.below(4);
  for (std::uint64_t i = 0; i < reads; ++i) reader.read(random_.between(1, 50), random_.between(1, 8'000));
  journal_.note("reader " + text(place) + " has " + text(reader.delivered()) + " and " + text(reader.gaps()) + " gaps");
}

void World::open_reader() {
  SubscribeOptions options;
  const std::size_t size = log_->log().size();
  const std::size_t held = log_->stats().history_events;
  std::size_t next = size;
  if (random_.chance(60)) {
    for (std::uint64_t id = 1; id <= accounts_count_; ++id) {
      if (random_.chance(50)) options.account_ids.push_back(static_cast<AccountId>(id));
    }
  }
  if (!cursors_.empty() && random_.chance(50)) {
    const auto [cursor, place] = random_.one_of(cursors_);
    options.since = cursor;
    next = place;
  } else if (random_.chance(40)) {
    options.since = "all";
    next = size - held;
  }
  options.buffer_bytes_max = random_.chance(50) ? random_.between(500, 5'000) : 1 << 20;
  std::string whose = options.account_ids.empty() ? "all" : "";
  for (const AccountId id : options.account_ids) whose += " " + text(static_cast<std::uint64_t>(id));
  journal_.note("reader " + text(readers_.size()) + " since " + text(next) + " of " + text(size) + ", held " +
                text(held) + ", accounts " + whose + ", buffer " + text(options.buffer_bytes_max));
  auto subscription = engine_->open_subscription(options, [] {});
  expect(static_cast<bool>(subscription), "a subscription was refused");
  readers_.push_back(std::make_unique<Reader>(std::move(*subscription), *log_, options.account_ids, next));
}

// --- What the engine's threads would do ------------------------------------------------------------------------------

/// A query that was taken by a lookup thread.
struct World::Asked {
  engine::LookupQuery query;
  Status status;
  std::vector<AccountState> states;
  Time taken{};
  Time due{};
};

void World::keep_going() {
  engine_->directory().lookups().tick();
  if (!is_watch_stuck_) poll_watch();
  look_up(true);
  const bool is_silent =
      std::any_of(asked_.begin(), asked_.end(), [this](const auto& asked) { return now_ - asked->taken > 400ms; });
  if (is_silent || !engine_->readiness().accounts.is_ok()) last_trouble_ = now_;
}

void World::poll_watch() {
  std::vector<AccountId> changed;
  AccountWatch seen = asked_repository_->wait_for_changes(0ms, changed);
  if (seen == AccountWatch::unsupported && now_ > slice) return;
  if (is_link_down_) seen = AccountWatch::lost;
  if (seen == AccountWatch::some && random_.chance(20)) seen = AccountWatch::all;
  const bool is_alive = seen != AccountWatch::lost && seen != AccountWatch::unsupported;
  if (!is_alive) {
    truth_->lose_news();
    watched_since_ = Time(-1);
  } else if (watched_since_ < 0ns || now_ - last_poll_ > 2 * slice) {
    watched_since_ = now_;
  }
  last_poll_ = now_;
  if (seen != AccountWatch::quiet)
    journal_.note("  " + text(now_) + ": the watch says " + text(static_cast<std::uint64_t>(seen)));
  engine_->directory().lookups().watched(seen, changed);
}

void World::look_up(bool at_once) {
  constexpr std::size_t threads = 2;
  while (asked_.size() < threads) {
    auto asked = std::make_unique<Asked>();
    if (!engine_->directory().lookups().try_take(asked->query)) break;
    asked->states.resize(asked->query.ids().size());
    if (asked->query.is_probe) asked->status = asked_repository_->ping();
    if (asked->status && (!asked->query.is_probe || asked->query.is_repository_lost))
      asked->status = asked_repository_->find(asked->query.ids(), asked->states);
    if (!asked->status) last_trouble_ = now_;
    asked->taken = now_;
    std::string ids;
    for (std::size_t i = 0; i < asked->query.ids().size(); ++i)
      ids += " " + text(static_cast<std::uint64_t>(asked->query.ids()[i])) + "=" +
             text(static_cast<std::uint64_t>(asked->states[i]));
    journal_.note("  " + text(now_) + ": query " + text(asked->query.number) +
                  (asked->query.is_probe ? " (probe)" : "") + ids + (asked->status ? "" : " fails"));
    asked->due = now_ + (random_.chance(70) ? 0ms : std::chrono::milliseconds(random_.below(300)));
    asked_.push_back(std::move(asked));
  }
  if (are_lookups_stuck_) return;
  for (std::size_t i = 0; i < asked_.size();) {
    if (asked_[i]->due > now_ || (!at_once && random_.chance(50))) {
      ++i;
      continue;
    }
    const auto asked = std::move(asked_[i]);
    asked_.erase(asked_.begin() + static_cast<std::ptrdiff_t>(i));
    journal_.note("  " + text(now_) + ": query " + text(asked->query.number) + " is answered");
    engine_->directory().lookups().answered(asked->query, asked->status, asked->states);
  }
}

// --- How it ends -----------------------------------------------------------------------------------------------------

void World::heal() {
  journal_.note("all is well again");
  repository_faults_->fail_with(Code::ok);
  repository_faults_->fail_next(0, Code::ok);
  broker_faults_->fail_with(Code::ok);
  broker_faults_->fail_next(0, Code::ok);
  are_lookups_stuck_ = is_link_down_ = is_watch_stuck_ = false;
  log_->set_answers_lost_percent(0);
  broker_faults_->release();
  faulty_->complete_held();
  pass(3s);
  expect(engine_->readiness().is_ready(), "not ready three seconds after all was well again");
  const ServiceStats stats = engine_->stats();
  expect(stats.events_parked == 0 && stats.events_pending == 0, text(stats.events_parked) + " events are parked and " +
                                                                    text(stats.events_pending) +
                                                                    " pending though all is well");
  check_ledger();
  for (int i = 0; i < 5; ++i) post();
  pass(1s);
  for (const auto& reader : readers_) {
    while (reader->read(100, 100'000) == ReadState::more) {
    }
    reader->expect_complete();
  }
}

void World::close() {
  journal_.note("closing");
  engine_->close(0ms).ignore();
  post();  // refused
  for (const auto& reader : readers_) {
    int reads = 0;
    while (reader->read(100, 100'000) != ReadState::ended) expect(++reads < 10'000, "a subscription does not end");
    reader->expect_complete();
  }
}

}  // namespace tracking::simulation
