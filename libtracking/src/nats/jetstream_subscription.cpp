#include <algorithm>

#include "codec/no_memory.h"
#include "history/wake_cell.h"
#include "nats/jetstream_broker.h"
#include "nats/jetstream_client.h"

namespace tracking::jetstream {
namespace {

using namespace std::chrono_literals;

// Only what the reader has not taken yet; what exceeds it is read from the stream again.
constexpr std::size_t history_bytes_max = 8 << 20;

std::optional<AccountId> only_one(std::span<const AccountId> account_ids) {
  return account_ids.size() == 1 ? std::optional(account_ids.front()) : std::nullopt;
}

/// Opened by the connection's keeper as soon as the stream is there. Reading, filtering and the end are the reader's.
class RemoteSubscription final : public Subscription {
 public:
  RemoteSubscription(const Target& target, const SubscribeOptions& options, Wake wake, Clock& clock, Log log)
      : gives_up_(!target.options.retries),
        options_(options),
        wake_(std::make_shared<history::WakeCell>(std::move(wake))) {
    // A reader that is slow loses nothing: the stream keeps what it has yet to read.
    options_.buffer_bytes_max = SIZE_MAX;
    options_.limit = 0;
    left_ = options.limit == 0 ? UINT64_MAX : options.limit;
    client_ = std::make_unique<StreamClient>(
        target.options, target.settings,
        StreamClient::Purpose{
            .publishes = false, .history_bytes_max = history_bytes_max, .on_ready = [this] { open(); }},
        clock, std::move(log));
    client_->set_filter(only_one(options.account_ids));
    client_->connect(gives_up_ ? 10s : 0s);
    if (gives_up_ && !client_->connection_status())
      end({Code::could_not_connect, client_->connection_status().message()});
  }

  ~RemoteSubscription() override {
    wake_->cancel();
    client_->disconnect();  // open() is not called again
    inner_.reset();
  }

  ReadState read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept override;
  Status set_accounts(std::span<const AccountId> account_ids) noexcept override;
  std::string cursor() const override {
    const std::lock_guard lock(mutex_);
    return inner_ ? inner_->cursor() : "";
  }
  Status status() const override {
    const std::lock_guard lock(mutex_);
    return inner_ && status_ ? inner_->status() : status_;
  }

 private:
  void open();
  void end(Status status);
  Status change_accounts(std::span<const AccountId> account_ids);

  const bool gives_up_;

  mutable std::mutex mutex_;
  // Guarded by mutex_; inner_ is set once, and then the reader's alone.
  SubscribeOptions options_;
  std::unique_ptr<Subscription> inner_;
  Status status_;

  std::uint64_t left_ = 0;  // events until `limit`; the reader's
  const std::shared_ptr<history::WakeCell> wake_;
  std::unique_ptr<StreamClient> client_;
};

void RemoteSubscription::open() {
  SubscribeOptions options;
  {
    const std::lock_guard lock(mutex_);
    if (inner_ || !status_) return;
    options = options_;
  }
  auto opened = client_->subscribe(options, [cell = wake_] { cell->call(); });
  if (!opened && opened.code() == Code::invalid_parameter) return end(opened.error());
  if (!opened) return;  // again at the next tick
  {
    const std::lock_guard lock(mutex_);
    const bool has_changed = options_.account_ids != options.account_ids;
    if (has_changed && !(*opened)->set_accounts(options_.account_ids)) return;
    inner_ = std::move(*opened);
  }
  wake_->call();
}

void RemoteSubscription::end(Status status) {
  {
    const std::lock_guard lock(mutex_);
    status_ = std::move(status);
  }
  wake_->call();
}

ReadState RemoteSubscription::read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept {
  out.clear();
  Subscription* inner = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (!status_ || left_ == 0) return ReadState::ended;
    inner = inner_.get();
  }
  if (!inner) return ReadState::idle;
  const auto state = inner->read(out, static_cast<std::size_t>(std::min<std::uint64_t>(events_max, left_)), bytes_max);
  if (left_ == UINT64_MAX) return state;
  left_ -= static_cast<std::uint64_t>(std::count_if(out.begin(), out.end(), [](auto& view) { return !view.gap; }));
  return left_ == 0 ? ReadState::ended : state;
}

Status RemoteSubscription::set_accounts(std::span<const AccountId> account_ids) noexcept {
  return unless_no_memory(Code::overloaded, [&] { return change_accounts(account_ids); });
}

Status RemoteSubscription::change_accounts(std::span<const AccountId> account_ids) {
  for (const AccountId id : account_ids) {
    if (id < 1) return {Code::invalid_parameter, "account ids are integers from 1 to 9223372036854775807"};
  }
  Subscription* inner = nullptr;
  {
    std::vector<AccountId> changed(account_ids.begin(), account_ids.end());
    const std::lock_guard lock(mutex_);
    options_.account_ids.swap(changed);
    inner = inner_.get();
  }
  // First all come, which needs no memory: neither those that were read nor those that will be are missing then.
  client_->set_filter(std::nullopt);
  // Accounts that are added begin with the events accepted from now on.
  if (inner) client_->catch_up_with_stream();
  auto status = inner ? inner->set_accounts(account_ids) : Status();
  // Without memory more come than are read.
  if (status) has_memory_for([&] { client_->set_filter(only_one(account_ids)); });
  return status;
}

Status check(const SubscribeOptions& options, Timestamp now) {
  if (const auto start = parse_since(options.since, now); !start) return start.error();
  for (const AccountId id : options.account_ids) {
    if (id < 1) return {Code::invalid_parameter, "account_id must be an integer from 1 to 9223372036854775807"};
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Subscription>> open_subscription(const BackendContext& context, const SubscribeOptions& options,
                                                        Wake wake) {
  const auto target = parse_target(context.url);
  if (!target) return target.error();
  if (auto status = check(options, context.clock->now()); !status) return status;
  try {
    auto subscription =
        std::make_unique<RemoteSubscription>(*target, options, std::move(wake), *context.clock, context.log);
    if (auto status = subscription->status(); !status) return status;
    return std::unique_ptr<Subscription>(std::move(subscription));
  } catch (const std::bad_alloc&) {
    return no_memory(Code::overloaded);
  } catch (const std::exception& error) {
    return {Code::internal, context.url.redacted() + ": could not start a subscription: " + error.what()};
  }
}

}  // namespace tracking::jetstream
