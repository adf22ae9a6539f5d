// A connection to the accounts database whose every call ends in time.
#pragma once

#include <tracking/backends.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "postgres/endpoints.h"
#include "postgres/pqxx_connection.h"
#include "postgres/watchdog.h"

namespace tracking::postgres_accounts {

/// What all instances over one database share. Thread-safe.
struct Store {
  Store(Endpoints given, Log log_to) : endpoints(std::move(given)), log(std::move(log_to)) {}

  const Endpoints endpoints;
  const Log log;
  Watchdog watchdog;
  std::atomic<std::size_t> host{0};         ///< of endpoints.hosts: the one that answered last
  std::atomic<bool> has_seen_table{false};  ///< a table that is gone later is not made again
  std::atomic<bool> has_warned_of_index{false};
};

/// A statement that is prepared at its first use on each connection.
struct Statement {
  const char* name;
  const char* sql;
};

/// Why a call failed, as far as what to do next depends on it.
enum class Failure : std::uint8_t {
  none,
  unreachable,  ///< nothing was sent
  broken,       ///< the connection broke in mid-call, or there was no memory to go on with it
  overdue,      ///< no answer in time
  refused,      ///< the server said no
};

/// Used by one thread at a time. After a failure other than one of the data the connection is closed, and opened again
/// by the next open().
class Connection {
 public:
  /// The server gives up a statement before we give up the server.
  static constexpr std::chrono::milliseconds statement_limit{900};
  static constexpr std::chrono::milliseconds call_limit{1000};

  explicit Connection(std::shared_ptr<Store> store);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Connects unless it is connected: tries each server in turn, beginning with the last that answered.
  Status open();
  void close() noexcept;
  bool is_open() const noexcept { return pqxx_ != nullptr; }
  /// When the server last answered on this connection.
  std::chrono::steady_clock::time_point answered_at() const noexcept { return answered_at_; }

  /// Runs work(transaction), each statement of which commits by itself. `is_atomic`: all or nothing instead.
  /// Precondition: is_open().
  template <class Work>
  Status run(Work work, std::chrono::milliseconds limit = call_limit, bool is_atomic = false);

  /// Within run().
  template <class... Arguments>
  pqxx::result execute(pqxx::transaction_base& transaction, const Statement& statement, const Arguments&... arguments) {
    if (prepared_.insert(statement.name).second) pqxx_->prepare(statement.name, statement.sql);
    return transaction.exec_prepared(statement.name, arguments...);
  }

  /// Gets the notices of a channel, within read_notices().
  using Hear = std::function<void(std::string_view notice)>;
  /// Until the connection is closed. Precondition: is_open().
  Status listen(const char* channel, Hear hear);
  /// Hands on the notices that have arrived; does not wait. Precondition: is_open().
  Status read_notices();
  /// Becomes readable when notices arrive. Precondition: is_open().
  int socket() const noexcept { return pqxx_->sock(); }
  /// The number of the server's process, as it told when the connection was made. Precondition: is_open().
  int process() const noexcept { return pqxx_->backendpid(); }

  /// Of the last open(), run(), listen() or read_notices().
  Failure failure() const noexcept { return failure_; }

  Store& store() const noexcept { return *store_; }
  const std::shared_ptr<Store>& shared_store() const noexcept { return store_; }

 private:
  class Receiver;

  Status connect_to(std::size_t host, std::chrono::steady_clock::time_point deadline);
  /// In a catch block: what happened. Closes the connection unless it may be used on.
  Status caught(bool is_overdue) noexcept;
  Status refused(std::string_view sqlstate, const char* what) noexcept;
  Status lose(Failure failure) noexcept;

  const std::shared_ptr<Store> store_;
  std::unique_ptr<PqxxConnection> pqxx_;
  std::unique_ptr<Receiver> receiver_;  // refers to pqxx_
  std::set<std::string> prepared_;
  std::chrono::steady_clock::time_point answered_at_{};
  Failure failure_ = Failure::none;
};

template <class Work>
Status Connection::run(Work work, std::chrono::milliseconds limit, bool is_atomic) {
  failure_ = Failure::none;
  std::optional<Watchdog::Guard> guard(std::in_place, store_->watchdog, pqxx_->sock(), limit);
  try {
    if (is_atomic) {
      pqxx::work transaction(*pqxx_);
      work(transaction);
      transaction.commit();
    } else {
      pqxx::nontransaction transaction(*pqxx_);
      work(transaction);
    }
    answered_at_ = std::chrono::steady_clock::now();
    return {};
  } catch (...) {
    const bool is_overdue = guard->is_overdue();
    guard.reset();  // before the socket is closed
    return caught(is_overdue);
  }
}

}  // namespace tracking::postgres_accounts
