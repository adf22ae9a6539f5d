#include "postgres/connection.h"

namespace tracking::postgres_accounts {
namespace {

using Steady = std::chrono::steady_clock;

/// Before anything else on a new connection. NOTICEs are for people at a prompt.
std::string session_settings() {
  const std::string limit = std::to_string(Connection::statement_limit.count());
  return "SET client_min_messages = error; SET statement_timeout = " + limit +
         "; SET idle_in_transaction_session_timeout = 5000";
}

}  // namespace

class Connection::Receiver final : public pqxx::notification_receiver {
 public:
  Receiver(PqxxConnection& connection, const char* channel, Hear hear)
      : notification_receiver(connection, channel), hear_(std::move(hear)) {}
  void operator()(const std::string& notice, int) override { hear_(notice); }

 private:
  const Hear hear_;
};

Connection::Connection(std::shared_ptr<Store> store) : store_(std::move(store)) {}
Connection::~Connection() { close(); }

// --- Opening and closing ---------------------------------------------------------------------------------------------

Status Connection::open() {
  if (pqxx_) return {};
  const std::size_t count = store_->endpoints.hosts.size();
  const Steady::time_point deadline = Steady::now() + store_->endpoints.connect_limit;
  Status status;
  for (std::size_t tried = 0; tried < count && (tried == 0 || Steady::now() < deadline); ++tried) {
    std::size_t host = store_->host.load() % count;
    status = connect_to(host, deadline);
    if (status) return status;
    store_->host.compare_exchange_strong(host, (host + 1) % count);
  }
  failure_ = Failure::unreachable;
  return status;
}

Status Connection::connect_to(std::size_t host, Steady::time_point deadline) {
  Result<Handle> handle = connect(store_->endpoints, host, deadline);
  if (!handle) return handle.error();
  try {
    pqxx_ = adopt(std::move(*handle));
  } catch (const pqxx::failure& error) {
    return {Code::accounts_unavailable, "The accounts database " + store_->endpoints.name +
                                            " cannot be used: " + store_->endpoints.clean(error.what()) + "."};
  }
  return run([](pqxx::transaction_base& transaction) { transaction.exec(session_settings()); });
}

void Connection::close() noexcept {
  prepared_.clear();
  if (receiver_) {  // which says so to the server
    const Watchdog::Guard guard(store_->watchdog, pqxx_->sock(), statement_limit);
    receiver_.reset();
  }
  pqxx_.reset();
}

// --- Notices ---------------------------------------------------------------------------------------------------------

Status Connection::listen(const char* channel, Hear hear) {
  failure_ = Failure::none;
  std::optional<Watchdog::Guard> guard(std::in_place, store_->watchdog, pqxx_->sock(), call_limit);
  try {
    receiver_ = std::make_unique<Receiver>(*pqxx_, channel, std::move(hear));
    if (pqxx_->is_open()) return {};
  } catch (...) {
    const bool is_overdue = guard->is_overdue();
    guard.reset();
    return caught(is_overdue);
  }
  const bool is_overdue = guard->is_overdue();
  guard.reset();
  return lose(is_overdue ? Failure::overdue : Failure::broken);
}

Status Connection::read_notices() {
  failure_ = Failure::none;
  try {
    pqxx_->get_notifs();
    // libpqxx says that there are none when the link is dead.
    return pqxx_->is_open() ? Status() : lose(Failure::broken);
  } catch (...) {
    return caught(false);
  }
}

// --- Failures --------------------------------------------------------------------------------------------------------

Status Connection::caught(bool is_overdue) noexcept {
  try {
    throw;
  } catch (const pqxx::statement_completion_unknown&) {
  } catch (const pqxx::transaction_rollback& error) {  // a deadlock, or the like
    if (!is_overdue && pqxx_->is_open()) return refused("40000", error.what());
  } catch (const pqxx::insufficient_privilege& error) {  // of which libpqxx 6 does not keep the SQLSTATE
    if (!is_overdue && pqxx_->is_open()) return refused("42501", error.what());
  } catch (const pqxx::sql_error& error) {
    if (!is_overdue && pqxx_->is_open()) return refused(error.sqlstate(), error.what());
  } catch (const std::bad_alloc&) {
    lose(Failure::broken).ignore();
    return {Code::accounts_unavailable, "Out of memory."};
  } catch (const std::exception&) {
    // libpqxx has little to say about a link that broke.
  }
  return lose(is_overdue ? Failure::overdue : Failure::broken);
}

Status Connection::lose(Failure failure) {
  close();
  failure_ = failure;
  return {Code::accounts_unavailable,
          "The accounts database " + store_->endpoints.name +
              (failure == Failure::overdue ? " does not answer." : " closed the connection.")};
}

Status Connection::refused(const std::string& sqlstate, const char* what) {
  failure_ = Failure::refused;
  const std::string message =
      "The accounts database " + store_->endpoints.name + " says: " + store_->endpoints.clean(what) + ".";
  // The data is at fault, or so a trigger says (SQLSTATE classes 22, 23, P0), not the connection.
  const std::string kind = sqlstate.substr(0, 2);
  if (kind == "22" || kind == "23" || kind == "P0") {
    answered_at_ = Steady::now();
    return {sqlstate == "23505" ? Code::account_exists : Code::invalid_parameter, message};
  }
  // Any other connection may fare better: statements are prepared anew, and after a failover the server is another.
  close();
  const bool is_forbidden = sqlstate == "42501" || sqlstate == "25006";
  return {is_forbidden ? Code::unsupported : Code::accounts_unavailable, message};
}

}  // namespace tracking::postgres_accounts
