// What backends get without writing it: the defaults of the interfaces.
#include <tracking/account.h>
#include <tracking/broker.h>
#include <tracking/clock.h>
#include <tracking/service.h>
#include <tracking/status.h>

namespace tracking {

Error::~Error() = default;
Clock::~Clock() = default;
Lane::~Lane() = default;

namespace {
Status not_administrable() {
  return {Code::unsupported, "these accounts cannot be administered here: their repository only answers lookups"};
}
}  // namespace

AccountRepository::~AccountRepository() = default;
std::unique_ptr<AccountRepository> AccountRepository::another() noexcept { return nullptr; }
AccountWatch AccountRepository::wait_for_changes(std::chrono::milliseconds, std::vector<AccountId>&) noexcept {
  return AccountWatch::unsupported;
}
Status AccountRepository::ping() noexcept { return {}; }
Result<std::vector<Account>> AccountRepository::list(AccountId, std::size_t) noexcept { return not_administrable(); }
Result<Account> AccountRepository::get(AccountId) noexcept { return not_administrable(); }
Status AccountRepository::add(const Account&) noexcept { return not_administrable(); }
Result<Account> AccountRepository::change(AccountId, const AccountChange&) noexcept { return not_administrable(); }
Status AccountRepository::remove(AccountId) noexcept { return not_administrable(); }

Broker::~Broker() = default;
BrokerTraits Broker::traits() const noexcept { return {}; }
Result<std::unique_ptr<Subscription>> Broker::subscribe(const SubscribeOptions&, Wake) noexcept {
  return {Code::unsupported, "this broker only takes events: subscribe where it delivers them"};
}
void Broker::recent(Timestamp, std::size_t, const RecentVisitor&) noexcept {}
Status Broker::health() noexcept { return {}; }
BrokerStats Broker::stats() noexcept { return {}; }
Status Broker::close(std::chrono::milliseconds) noexcept { return {}; }

Completion& Completion::operator=(Completion&& other) noexcept {
  if (this != &other) {
    finish({.code = Code::in_doubt});
    target_ = other.target_;
    other.target_ = nullptr;
  }
  return *this;
}

// A completion that is dropped says so: whoever dropped it may have handed the events on or not.
Completion::~Completion() { finish({.code = Code::in_doubt}); }

}  // namespace tracking
