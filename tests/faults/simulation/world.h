// One run: an engine on one thread, by a clock turned by hand, over accounts and a broker that fail as the seed says;
// clients that post, operators that change accounts, and readers. Everything that could be decided by chance or by
// threads is decided by the seed.
#pragma once

#include <tracking/testing.h>
#include <tracking/web.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "engine/account_lookups.h"
#include "engine/engine.h"
#include "faults/simulation/accounts.h"
#include "faults/simulation/journal.h"
#include "faults/simulation/random.h"
#include "faults/simulation/reader.h"
#include "faults/simulation/stored_log.h"

namespace tracking::simulation {

/// What became of one posted event.
struct Tracked {
  std::uint64_t serial = 0;
  AccountId account_id = 0;
  std::string id;  // the client's, or given by the service
  std::size_t lane = 0;
  Time posted{};
  Time accepted{-1};
  int jumps_before = 0;
  int receipts = 0;
  Receipt receipt;
};

class World {
 public:
  World(std::uint64_t seed, Journal& journal);
  ~World();

  /// Throws Broken.
  void run();

 private:
  class TapLane;
  struct Post;
  struct Asked;

  // What can happen.
  void step();
  void post();
  void change_account();
  void administer();
  void turn_repository();
  void turn_broker();
  void turn_link();
  void turn_readers();
  void open_reader();
  void pass(Time time);

  // What the engine's threads would do.
  void keep_going();
  void poll_watch();
  void look_up(bool at_once);
  void answer(Asked& asked);

  // How it ends.
  void heal();
  void close();
  void check_at_rest();

  // What must hold.
  void check_receipt(Tracked& tracked);
  void check_duplicate(const Tracked& tracked);
  void check_ledger();
  void accepted(const Line& line);
  Time promise(Time at) const;
  bool was_in_trouble(Time since) const { return last_trouble_ >= since; }

  std::string body_of(std::size_t events, std::size_t lane, Post& post);
  std::string pick_id(AccountId account_id);
  AccountId pick_account() { return static_cast<AccountId>(random_.between(1, accounts_count_)); }

  Random random_;
  Journal& journal_;
  testing::ManualClock clock_;
  Time now_{0};
  const std::uint64_t accounts_count_;
  const std::size_t padding_bytes_max_;
  const bool may_close_early_;
  ServiceOptions options_;
  std::shared_ptr<AccountTruth> truth_;
  std::shared_ptr<testing::Faults> repository_faults_ = std::make_shared<testing::Faults>();
  std::shared_ptr<testing::Faults> broker_faults_ = std::make_shared<testing::Faults>();
  RecordingBroker* log_ = nullptr;           // the broker at the bottom
  testing::FaultyBroker* faulty_ = nullptr;  // the one above it
  std::unique_ptr<testing::FaultyRepository> asked_repository_;
  std::unique_ptr<engine::Engine> engine_;
  web::Ledger ledger_;
  std::vector<std::unique_ptr<TapLane>> lanes_;
  std::vector<std::unique_ptr<web::EventRoutes>> routes_;

  std::deque<Tracked> tracked_;  // by serial - 1
  std::deque<std::unique_ptr<Post>> posts_;
  std::deque<std::unique_ptr<Reader>> readers_;
  std::vector<std::pair<std::string, std::size_t>> cursors_;                  // and where they stand
  std::map<std::pair<std::size_t, AccountId>, std::uint64_t> last_accepted_;  // serial, by lane and account

  std::deque<std::unique_ptr<Asked>> asked_;  // queries under way
  bool are_lookups_stuck_ = false;
  bool is_link_down_ = false;
  bool is_watch_stuck_ = false;
  Time last_poll_{0};
  Time watched_since_{-1};                         // -1: not at present
  Time last_trouble_{-1};                          // when the repository failed or was silent last
  std::map<AccountId, std::size_t> administered_;  // the version that was made here
  int jumps_ = 0;                                  // of the wall clock
  std::string broken_;                             // found where nothing may be thrown
};

}  // namespace tracking::simulation
