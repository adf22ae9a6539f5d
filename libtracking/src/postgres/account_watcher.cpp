#include "postgres/account_watcher.h"

#include <poll.h>

#include <algorithm>
#include <random>
#include <thread>
#include <utility>

#include "codec/no_memory.h"
#include "postgres/schema.h"

namespace tracking::postgres_accounts {
namespace {

using std::chrono::milliseconds;

/// Half to all of it, so that replicas that lost their database together do not come back together.
milliseconds jittered(milliseconds pause) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return milliseconds(std::uniform_int_distribution<std::int64_t>(pause.count() / 2, pause.count())(random));
}

}  // namespace

AccountWatch AccountWatcher::wait(milliseconds timeout, std::vector<AccountId>& changed) {
  if (!connection_.is_open()) {
    table_ = 0;
    if (Steady::now() < connects_at_) return lost({}, timeout);
    if (Status status = connect(); !status) return lost(status, timeout);
  }
  const std::uint64_t table_before = table_;
  const std::string triggers_before = triggers_;
  if (Steady::now() - proved_at_ >= proof_interval) {
    if (Status status = prove(); !status) return lost(status, timeout);
  }
  const bool is_news = table_ != table_before || triggers_ != triggers_before;
  if (Status status = read_notices(is_news ? milliseconds(0) : timeout); !status) return lost(status, timeout);
  const ToldChanges told = std::exchange(told_, {});
  if (table_ == 0) return AccountWatch::lost;
  if (is_news || told.all) return AccountWatch::all;
  if (told.is_empty()) return AccountWatch::quiet;
  changed.insert(changed.end(), told.ids.begin(), told.ids.end());
  return AccountWatch::some;
}

/// Says so, and tries again later.
AccountWatch AccountWatcher::lost(const Status& why, milliseconds timeout) {
  if (!why) {
    connection_.close();
    say(why.message());
    connects_at_ = Steady::now() + jittered(pause_);
    pause_ = std::min(pause_ * 2, pause_max);
  }
  std::this_thread::sleep_for(timeout);
  return AccountWatch::lost;
}

/// Listens before anything is read that a notice could be about. Leaves the proof to be made.
Status AccountWatcher::connect() {
  if (Status status = connection_.open(); !status) return status;
  if (Status status = prepare_table(connection_); !status) return status;
  int process = 0;
  Status status = connection_.run([&](pqxx::transaction_base& transaction) {
    process = transaction.exec("SELECT pg_backend_pid()")[0][0].as<int>();
  });
  if (!status) return status;
  // A pooler gives its clients numbers of its own. Behind one that shares connections LISTEN succeeds and tells
  // nothing.
  if (process != connection_.process()) {
    return {Code::unsupported, "a pooler stands before the database: notices need a connection of their own"};
  }
  told_ = {};
  proved_at_ = {};
  return connection_.listen(notice_channel, [this](std::string_view notice) { told_.take(notice, table_); });
}

/// A question that only the server can answer, and whose answer says whether notices can be relied upon.
Status AccountWatcher::prove() {
  Result<Table> table = told_table(connection_, proof_limit);
  if (table.code() == Code::unsupported && connection_.is_open() && Steady::now() >= makes_triggers_at_) {
    makes_triggers_at_ = Steady::now() + triggers_pause;
    make_triggers();
    table = told_table(connection_, proof_limit);
  }
  if (!table && !connection_.is_open()) return table.error();
  proved_at_ = Steady::now();
  pause_ = pause_min;
  table_ = table ? table->number : 0;
  triggers_ = table ? table->triggers : "";
  say(table ? "" : table.error().message() + trigger_trouble_);
  return {};
}

/// On a connection of its own, which may fail without harm to the one that listens.
void AccountWatcher::make_triggers() {
  Connection maker(connection_.shared_store());
  Status status = maker.open();
  if (status) status = prepare_triggers(maker);
  trigger_trouble_ = status ? "" : ", and they could not be made: " + status.message();
}

Status AccountWatcher::read_notices(milliseconds timeout) {
  if (Status status = connection_.read_notices(); !status || !told_.is_empty()) return status;
  const auto until_proof = std::chrono::ceil<milliseconds>(proved_at_ + proof_interval - Steady::now());
  const milliseconds limit = std::max(std::min(timeout, until_proof), milliseconds(0));
  pollfd waiting{.fd = connection_.socket(), .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, static_cast<int>(limit.count())) <= 0) return {};
  return connection_.read_notices();
}

/// One line for each change of state.
void AccountWatcher::say(const std::string& why) noexcept {
  if (why == said_ || !has_memory_for([&] { said_ = why; })) return;
  const Log& log = connection_.store().log;
  if (why.empty()) {
    tracking::say(log, LogLevel::info, [] { return "accounts: changes in the database are told at once again"; });
  } else {
    tracking::say(log, LogLevel::warning, [&] {
      return "accounts: changes in the database are not told, and hold after --account-ttl at the latest: " + why;
    });
  }
}

}  // namespace tracking::postgres_accounts
