#include <tracking/postgres.h>

#include "postgres/endpoints.h"
#include "postgres/postgres_accounts.h"

namespace tracking {
namespace {

Result<std::unique_ptr<AccountRepository>> open_accounts(const BackendContext& context) {
  auto endpoints = postgres_accounts::Endpoints::parse(context.url);
  if (!endpoints) return endpoints.error();
  auto store = std::make_shared<postgres_accounts::Store>(std::move(*endpoints), context.log);
  return std::unique_ptr<AccountRepository>(std::make_unique<postgres_accounts::PostgresAccounts>(std::move(store)));
}

}  // namespace

Backend postgres() { return {.schemes = {"postgresql", "postgres"}, .accounts = open_accounts}; }

}  // namespace tracking
