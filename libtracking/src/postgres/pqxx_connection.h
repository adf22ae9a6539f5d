// What differs between libpqxx 6.4 (Debian 12) and 7: how it takes over a connection that was made elsewhere.
#pragma once

#include <pqxx/pqxx>
#include <pqxx/version>

#include <memory>
#include <utility>

#include "postgres/connector.h"

namespace tracking::postgres_accounts {

#if PQXX_VERSION_MAJOR < 7

/// libpqxx 6 connects by a policy, and again by itself when the link was lost, which would lose what was listened for
/// meanwhile. This policy has one connection to give.
class PqxxConnection final : public pqxx::connection_base {
 public:
  explicit PqxxConnection(Handle handle) : connection_base(policy_), policy_(std::move(handle)) {
    try {
      init();
    } catch (...) {  // by then the handle is libpqxx's, which does not close it by itself
      close();
      throw;
    }
  }
  PqxxConnection(const PqxxConnection&) = delete;
  PqxxConnection& operator=(const PqxxConnection&) = delete;
  ~PqxxConnection() { close(); }

 private:
  class Policy final : public pqxx::connectionpolicy {
   public:
    explicit Policy(Handle given) : connectionpolicy(std::string()), handle_(std::move(given)) {}
    handle do_startconnect(handle current) override { return current ? current : handle_.release(); }
    /// In front of PQreset(), which would connect again, and wait without a limit.
    handle do_dropconnect(handle current) noexcept override {
      if (current) PQfinish(current);
      return nullptr;
    }

   private:
    Handle handle_;
  };

  Policy policy_;
};

inline std::unique_ptr<PqxxConnection> adopt(Handle handle) {
  return std::make_unique<PqxxConnection>(std::move(handle));
}

#else

using PqxxConnection = pqxx::connection;

/// Since libpqxx 7.8.
inline std::unique_ptr<PqxxConnection> adopt(Handle handle) {
  return std::make_unique<PqxxConnection>(PqxxConnection::seize_raw_connection(handle.release()));
}

#endif

}  // namespace tracking::postgres_accounts
