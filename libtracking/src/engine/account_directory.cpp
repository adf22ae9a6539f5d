#include "engine/account_directory.h"

#include <new>
#include <string>

#include "codec/json_bytes.h"
#include "engine/account_threads.h"

namespace tracking::engine {
namespace {

constexpr std::size_t name_characters_max = 200;

Status check_id(AccountId id) {
  if (id >= 1) return {};
  return {Code::invalid_parameter, std::to_string(id) + " is not an account id (1 to 9223372036854775807)."};
}

Status check_name(std::string_view name) {
  const auto refused = [](const std::string& why) {
    return Status(Code::invalid_parameter, "An account's name " + why);
  };
  std::size_t characters = 0;
  const char* const end = name.data() + name.size();
  for (const char* at = name.data(); at != end; ++characters) {
    const auto byte = static_cast<unsigned char>(*at);
    if (byte < 0x20 || byte == 0x7f) return refused("must not contain control characters.");
    at = byte < 0x80 ? at + 1 : codec::skip_utf8(at, end);
    if (!at) return refused("must be valid UTF-8.");
  }
  if (characters >= 1 && characters <= name_characters_max) return {};
  return refused("has 1 to 200 characters; this one has " + std::to_string(characters) + ".");
}

AccountState state_of(bool is_active) { return is_active ? AccountState::active : AccountState::inactive; }

Status is_closed() { return {Code::closed, "The service is closed."}; }

}  // namespace

class AccountDirectory::Impl : public AccountThreads {
 public:
  using AccountThreads::AccountThreads;
};

AccountDirectory::AccountDirectory(std::shared_ptr<AccountRepository> repository, const ServiceOptions& options,
                                   DirectoryDrive drive)
    : impl_(std::make_shared<Impl>(std::move(repository), options, drive.real)) {
  if (!drive.has_threads || impl_->start()) return;
  impl_->close();
  throw std::bad_alloc();
}

AccountDirectory::~AccountDirectory() { close(); }

AccountAnswer AccountDirectory::find(AccountId id) noexcept { return BatchLookups(*this).find(id); }
AccountDirectory::Found AccountDirectory::look(AccountId id) noexcept { return impl_->lookups().look(id); }
void AccountDirectory::count(std::size_t found, std::size_t stale) noexcept { impl_->lookups().count(found, stale); }
bool AccountDirectory::is_beyond_processor_cache() const noexcept {
  return impl_->lookups().is_beyond_processor_cache();
}
void AccountDirectory::prefetch(AccountId id) const noexcept { impl_->lookups().prefetch(id); }
AccountAnswer AccountDirectory::park(Parked& parked) noexcept { return impl_->lookups().park(parked); }
Status AccountDirectory::health() noexcept { return impl_->lookups().health(); }
void AccountDirectory::add_stats(ServiceStats& stats) noexcept { impl_->lookups().add_stats(stats); }
void AccountDirectory::close() noexcept { impl_->close(); }
AccountLookups& AccountDirectory::lookups() noexcept { return impl_->lookups(); }

Result<std::vector<Account>> AccountDirectory::list(AccountId after, std::size_t limit) {
  if (impl_->lookups().is_closed()) return is_closed();
  return impl_->with_repository([&](AccountRepository& repository) { return repository.list(after, limit); });
}

Result<Account> AccountDirectory::get(AccountId id) {
  if (Status status = check_id(id); !status) return status;
  if (impl_->lookups().is_closed()) return is_closed();
  return impl_->with_repository([&](AccountRepository& repository) { return repository.get(id); });
}

Status AccountDirectory::add(const Account& account) {
  if (Status status = check_id(account.id); !status) return status;
  if (Status status = check_name(account.name); !status) return status;
  if (impl_->lookups().is_closed()) return is_closed();
  Status status = impl_->with_repository([&](AccountRepository& repository) { return repository.add(account); });
  // Also after a failure: a change whose outcome we do not know may have happened.
  impl_->lookups().account_changed(account.id, status ? std::optional(state_of(account.is_active)) : std::nullopt);
  return status;
}

Result<Account> AccountDirectory::change(AccountId id, const AccountChange& change) {
  if (Status status = check_id(id); !status) return status;
  if (change.name) {
    if (Status status = check_name(*change.name); !status) return status;
  }
  if (impl_->lookups().is_closed()) return is_closed();
  auto result = impl_->with_repository([&](AccountRepository& repository) { return repository.change(id, change); });
  impl_->lookups().account_changed(id, result ? std::optional(state_of(result->is_active)) : std::nullopt);
  return result;
}

Status AccountDirectory::remove(AccountId id) {
  if (Status status = check_id(id); !status) return status;
  if (impl_->lookups().is_closed()) return is_closed();
  Status status = impl_->with_repository([&](AccountRepository& repository) { return repository.remove(id); });
  impl_->lookups().account_changed(id, status ? std::optional(AccountState::unknown) : std::nullopt);
  return status;
}

}  // namespace tracking::engine
