#include "nats/feed.h"

#include <algorithm>

#include "codec/no_memory.h"

namespace tracking::nats_io {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t accounts_max = 64;  // each is looked at after each read; more are filtered from the wildcard
// The I/O thread empties cnats' list after each read of 64 KiB, so these bound what a stalled process may pile up.
constexpr int pending_messages_max = 65'536;
constexpr int pending_bytes_max = 16 << 20;
constexpr auto subscribe_time_max = 1s;   // for the server to take subscriptions
constexpr auto refusal_time_max = 100ms;  // for a refusal to come from cnats' thread
constexpr int refused_ticks = 5;          // seconds between attempts that permissions forbid

}  // namespace

Feed::Feed(const Options& options, std::shared_ptr<history::EventHistory> history, Log log)
    : options_(options),
      subject_start_(options.prefix + '.'),
      history_(std::move(history)),
      log_(std::move(log)),
      status_(Code::broker_unavailable, "no connection to " + options.redacted) {
  messages_.reserve(batch_max);
  batch_.reserve(batch_max);
}

// --- Any thread ------------------------------------------------------------------------------------------------------

std::uint64_t Feed::want(Interest interest) noexcept {
  if (interest.account_ids.size() > accounts_max) interest = {.is_all = true};
  const std::lock_guard lock(mutex_);
  interest_ = std::move(interest);
  if (status_.code() == Code::overloaded) status_ = {};
  return ++wanted_;
}

Status Feed::wait_applied(std::uint64_t ticket, std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  const auto is_known = [&] {
    const bool is_refused = status_.code() == Code::forbidden || status_.code() == Code::overloaded;
    return applied_ >= ticket || !is_connected_ || is_refused;
  };
  if (!changed_.wait_for(lock, time, is_known))
    return {Code::timed_out, options_.redacted + " did not take the subscription in time"};
  return applied_ >= ticket ? Status() : status_;
}

bool Feed::is_live() const {
  const std::lock_guard lock(mutex_);
  return is_connected_ && wanted_ > 0 && applied_ == wanted_;
}

// --- The keeper ------------------------------------------------------------------------------------------------------

Status Feed::connected(const std::shared_ptr<Link>& link) noexcept {
  {
    const std::lock_guard lock(mutex_);
    is_connected_ = true;
    status_ = {};
  }
  // What was missed before was told: whoever is seen from here on begins anew.
  begins_anew_ = true;
  is_refused_ = false;
  return apply(*link);
}

void Feed::disconnected(const Status& reason) noexcept {
  {
    const std::lock_guard lock(mutex_);
    is_connected_ = false;
    applied_ = 0;
    status_ = unless_no_memory(reason.code(), [&] { return reason; });
  }
  changed_.notify_all();
  drop_subscriptions();
  // Events may come before the server has confirmed that we are subscribed, or without its doing so: what was told of
  // the link before does not cover what is missed behind them.
  const bool was_live = std::exchange(was_live_, false);
  if (has_taken_.exchange(false) || was_live) history_->append_gap({.reason = std::string(gap_reason::disconnected)});
}

Status Feed::tick(const std::shared_ptr<Link>& link) noexcept {
  tell_dropped();
  return apply(*link);
}

/// Makes the subscriptions what is wanted, if they are not. Only a link that does not answer is a failure.
Status Feed::apply(Link& link) noexcept {
  Status status;
  if (has_memory_soon_for([&] { status = try_apply(link); })) return status;
  set_state(0, no_memory(Code::overloaded));  // whoever waits is told; tried again at the next tick
  return {};
}

Status Feed::try_apply(Link& link) {
  Interest interest;
  std::uint64_t ticket = 0;
  {
    const std::lock_guard lock(mutex_);
    if (applied_ == wanted_) return {};
    interest = interest_;
    ticket = wanted_;
  }
  if (ticks_until_retry_ > 0 && --ticks_until_retry_ > 0) return {};
  if (auto status = subscribe(link, interest); !status) {
    if (status.code() != Code::forbidden) return status;
    ticks_until_retry_ = refused_ticks;
    if (!std::exchange(is_refused_, true))
      say(log_, LogLevel::warning, [&] { return status.message() + ": trying again"; });
    set_state(0, std::move(status));
    return {};
  }
  if (std::exchange(is_refused_, false))
    say(log_, LogLevel::info, [&] { return "subscribed to " + options_.redacted; });
  unsubscribe_others(interest);
  was_live_ = was_live_ || !interest.empty();
  set_state(ticket, {});
  return {};
}

Status Feed::subscribe(Link& link, const Interest& interest) {
  const auto refusals = link.subscribe_refusals(UINT64_MAX, 0ms);
  if (interest.is_all) {
    if (auto status = subscribe_to(link, 0); !status) return status;
  } else if (!subscriptions_.contains(0)) {  // the wildcard brings them, without a seam
    for (const AccountId id : interest.account_ids) {
      if (auto status = subscribe_to(link, id); !status) return status;
    }
  }
  publish_subscriptions();
  const auto sent = natsConnection_FlushTimeout(link.get(), std::chrono::milliseconds(subscribe_time_max).count());
  if (sent != NATS_OK) return {Code::broker_unavailable, "the server does not answer: " + last_error(sent)};
  if (!was_refused(link, refusals)) return {};
  drop_subscriptions();
  return {Code::forbidden, options_.redacted + " does not permit us to subscribe to " + subject_start_ + '*'};
}

// The server's refusal came before its PONG; cnats remembers the last one for ever, and tells of each on a thread.
bool Feed::was_refused(Link& link, std::uint64_t known) {
  const char* text = nullptr;
  if (natsConnection_GetLastError(link.get(), &text) != NATS_NOT_PERMITTED) return false;
  return link.subscribe_refusals(known, refusal_time_max) > known;
}

Status Feed::subscribe_to(Link& link, AccountId account_id) {
  if (subscriptions_.contains(account_id)) return {};
  const std::string subject = account_id == 0 ? options_.wildcard() : subject_start_ + std::to_string(account_id);
  natsSubscription* made = nullptr;
  const auto status = natsConnection_SubscribeSync(&made, link.get(), subject.c_str());
  if (status != NATS_OK) return {Code::broker_unavailable, "cannot subscribe: " + last_error(status)};
  natsSubscription_SetPendingLimits(made, pending_messages_max, pending_bytes_max);
  subscriptions_[account_id] = {account_id, std::shared_ptr<natsSubscription>(made, SubscriptionDeleter())};
  return {};
}

// A wildcard stays for as long as its link: leaving it for the accounts' own subjects would have a seam.
void Feed::unsubscribe_others(const Interest& interest) {
  const bool keeps_wildcard = !interest.empty();
  const auto count = std::erase_if(subscriptions_, [&](const auto& entry) {
    const AccountId id = entry.first;
    if (id == 0 ? keeps_wildcard : interest.account_ids.contains(id) || interest.is_all) return false;
    natsSubscription_Unsubscribe(entry.second.subscription.get());
    return true;
  });
  if (count > 0) publish_subscriptions();
}

void Feed::drop_subscriptions() noexcept {
  subscriptions_.clear();
  share(nullptr);
}

void Feed::publish_subscriptions() {
  auto shared = std::make_shared<Shared>();
  for (const auto& [id, subscribed] : subscriptions_) {
    shared->subscriptions.push_back(subscribed);
    if (id != 0) shared->single.insert(id);
  }
  share(std::move(shared));
}

void Feed::share(std::shared_ptr<const Shared> shared) noexcept {
  const std::lock_guard lock(mutex_);
  shared_.swap(shared);
  ++shared_version_;
}

void Feed::tell_dropped() noexcept {
  std::uint64_t missed = 0;
  for (auto& [id, subscribed] : subscriptions_) {
    std::int64_t dropped = 0;
    if (natsSubscription_GetDropped(subscribed.subscription.get(), &dropped) != NATS_OK) continue;
    missed += static_cast<std::uint64_t>(dropped - std::exchange(subscribed.dropped, dropped));
  }
  if (missed > 0) history_->append_gap({.reason = std::string(gap_reason::slow_subscriber), .missed = missed});
}

void Feed::set_state(std::uint64_t applied, Status status) noexcept {
  {
    const std::lock_guard lock(mutex_);
    applied_ = applied;
    status_ = std::move(status);
  }
  changed_.notify_all();
}

}  // namespace tracking::nats_io
