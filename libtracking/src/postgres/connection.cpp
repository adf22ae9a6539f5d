#include "postgres/connection.h"

#include <sys/socket.h>

#include "codec/no_memory.h"

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
  void operator()(const std::string& notice, int) override {
    ++heard_;
    hear_(notice);
  }
  int heard() const noexcept { return heard_; }

 private:
  const Hear hear_;
  int heard_ = 0;
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
    status = unless_no_memory(Code::accounts_unavailable, [&] { return connect_to(host, deadline); });
    if (status) return status;
    close();  // it may be half set up
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
    std::optional<Watchdog::Guard> guard;
    const auto watch = [&] { guard.emplace(store_->watchdog, pqxx_->sock(), statement_limit); };
    if (!has_memory_for(watch)) ::shutdown(pqxx_->sock(), SHUT_RDWR);  // then it waits for nobody
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
    const int heard = receiver_ ? receiver_->heard() : 0;
    const int told = pqxx_->get_notifs();
    // libpqxx says that there are none when the link is dead, and nothing of one that it had no memory to hand on.
    const bool is_whole = !receiver_ || receiver_->heard() - heard == told;
    return is_whole && pqxx_->is_open() ? Status() : lose(Failure::broken);
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
    close();
    failure_ = Failure::broken;
    return no_memory(Code::accounts_unavailable);
  } catch (const std::exception&) {
    // libpqxx has little to say about a link that broke.
  }
  return lose(is_overdue ? Failure::overdue : Failure::broken);
}

Status Connection::lose(Failure failure) noexcept {
  close();
  failure_ = failure;
  return unless_no_memory(Code::accounts_unavailable, [&]() -> Status {
    return {Code::accounts_unavailable,
            "The accounts database " + store_->endpoints.name +
                (failure == Failure::overdue ? " does not answer." : " closed the connection.")};
  });
}

Status Connection::refused(std::string_view sqlstate, const char* what) noexcept {
  failure_ = Failure::refused;
  const auto says = [&](Code code) {
    return unless_no_memory(code, [&]() -> Status {
      return {code,
              "The accounts database " + store_->endpoints.name + " says: " + store_->endpoints.clean(what) + "."};
    });
  };
  // The data is at fault, or so a trigger says (SQLSTATE classes 22, 23, P0), not the connection.
  const std::string_view kind = sqlstate.substr(0, 2);
  if (kind == "22" || kind == "23" || kind == "P0") {
    answered_at_ = Steady::now();
    return says(sqlstate == "23505" ? Code::account_exists : Code::invalid_parameter);
  }
  // Any other connection may fare better: statements are prepared anew, and after a failover the server is another.
  close();
  const bool is_forbidden = sqlstate == "42501" || sqlstate == "25006";
  return says(is_forbidden ? Code::unsupported : Code::accounts_unavailable);
}

}  // namespace tracking::postgres_accounts
