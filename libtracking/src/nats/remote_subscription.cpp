#include "nats/remote_subscription.h"

#include "codec/no_memory.h"
#include "nats/feed.h"
#include "nats/feed_subscription.h"

namespace tracking::nats_io {
namespace {

using namespace std::chrono_literals;

constexpr auto live_max = 1s;                        // how long open() waits to be live
constexpr auto settle_max = 2s;                      // how long set_accounts() waits for the server
constexpr std::size_t history_bytes_more = 1 << 20;  // above the reader's bound, so that it is the one that counts

/// A connection with a feed and its one reader.
class RemoteFeed final : public ConnectionUser, public FeedOwner {
 public:
  RemoteFeed(const Options& options, std::shared_ptr<history::EventHistory> history, const Log& log)
      : options_(options), history_(std::move(history)), feed_(options, history_, log) {}
  ~RemoteFeed() { connection_.reset(); }

  void connect(std::span<const AccountId> account_ids, const Log& log) {
    interest_ = interest_in(account_ids);
    const auto ticket = feed_.want(interest_);
    connection_ = std::make_unique<Connection>(options_, *this, log);
    if (connection_->wait_first_attempt(live_max)) feed_.wait_applied(ticket, live_max).ignore();
  }

  Status add_accounts(std::span<const AccountId> account_ids) noexcept override {
    if (!connection_) return {};
    Feed::Interest interest;
    const bool has_memory = has_memory_for([&] {
      Feed::Interest both = interest_in(account_ids);
      both.is_all = both.is_all || interest_.is_all;
      both.account_ids.insert(interest_.account_ids.begin(), interest_.account_ids.end());
      interest = both;
      std::swap(interest_, both);
    });
    if (!has_memory) return no_memory(Code::overloaded);
    want(std::move(interest));
    connection_->fence(settle_max).ignore();
    return {};
  }
  // Without memory more come than the reader reads.
  void set_accounts(std::span<const AccountId> account_ids) noexcept override {
    if (!connection_) return;
    has_memory_for([&] {
      Feed::Interest interest = interest_in(account_ids);
      Feed::Interest copy = interest;
      std::swap(interest_, copy);
      feed_.want(std::move(interest));
    });
    connection_->nudge();
  }
  Status status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }

 private:
  static Feed::Interest interest_in(std::span<const AccountId> account_ids) {
    return {.is_all = account_ids.empty(), .account_ids = {account_ids.begin(), account_ids.end()}};
  }
  void want(Feed::Interest interest) noexcept {
    const auto ticket = feed_.want(std::move(interest));
    connection_->nudge();
    has_memory_for([&] { feed_.wait_applied(ticket, settle_max).ignore(); });
  }

  Status on_connected(const std::shared_ptr<Link>& link) noexcept override { return feed_.connected(link); }
  void on_disconnected(const Status& reason) noexcept override { feed_.disconnected(reason); }
  Status on_tick(const std::shared_ptr<Link>& link) noexcept override { return feed_.tick(link); }
  void read_input(Link&) noexcept override { feed_.read(); }
  void on_unavailable(const Status& reason) noexcept override {
    if (options_.retries) return;
    {
      const std::lock_guard lock(mutex_);
      status_ =
          unless_no_memory(Code::could_not_connect, [&] { return Status(Code::could_not_connect, reason.message()); });
    }
    history_->close();
  }

  const Options options_;
  const std::shared_ptr<history::EventHistory> history_;
  Feed feed_;
  Feed::Interest interest_;  // the reader's; more while it changes
  mutable std::mutex mutex_;
  Status status_;  // guarded by mutex_: why it ended
  std::unique_ptr<Connection> connection_;
};

class RemoteSubscription final : public Subscription {
 public:
  RemoteSubscription(std::unique_ptr<RemoteFeed> feed, std::unique_ptr<Subscription> reader, std::uint64_t limit)
      : feed_(std::move(feed)), reader_(std::move(reader)), limit_(limit) {}
  // The reader first: nothing wakes it any more then.
  ~RemoteSubscription() override { reader_.reset(); }

  ReadState read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept override {
    if (limit_ == 0) return reader_->read(out, events_max, bytes_max);
    const auto left = static_cast<std::size_t>(limit_ - events_read_);
    out.clear();
    if (left == 0) return ReadState::ended;
    const auto state = reader_->read(out, std::min(events_max, left), bytes_max);
    for (const DeliveryView& view : out) events_read_ += view.gap == nullptr;
    return events_read_ == limit_ ? ReadState::ended : state;
  }
  Status set_accounts(std::span<const AccountId> account_ids) noexcept override {
    for (const AccountId id : account_ids) {
      if (id >= 1) continue;
      return unless_no_memory(Code::invalid_parameter, []() -> Status {
        return {Code::invalid_parameter, "account ids are integers from 1 to 9223372036854775807"};
      });
    }
    return reader_->set_accounts(account_ids);
  }
  std::string cursor() const override { return reader_->cursor(); }
  Status status() const override { return feed_->status(); }

 private:
  const std::unique_ptr<RemoteFeed> feed_;
  std::unique_ptr<Subscription> reader_;
  const std::uint64_t limit_;
  std::uint64_t events_read_ = 0;
};

}  // namespace

Result<std::unique_ptr<Subscription>> open_nats_subscription(const BackendContext& context,
                                                             const SubscribeOptions& options, Wake wake) {
  std::multimap<std::string, std::string> others;
  const auto connect_options = parse_options(context.url, others);
  if (!connect_options) return connect_options.error();
  if (!others.empty()) return unknown_parameter(*connect_options, others.begin()->first);
  for (const AccountId id : options.account_ids) {
    if (id < 1) return {Code::invalid_parameter, "account_id must be an integer from 1 to 9223372036854775807"};
  }
  try {
    const history::HistorySettings settings{.bytes_max = options.buffer_bytes_max + history_bytes_more,
                                            .is_resumable = false};
    auto history = std::make_shared<history::EventHistory>(settings, *context.clock);
    auto reader = history->open(options, std::move(wake), history);
    if (!reader) return reader.error();
    auto feed = std::make_unique<RemoteFeed>(*connect_options, std::move(history), context.log);
    auto wrapped = make_feed_subscription(std::move(*reader), *feed, false);
    if (options.follow) feed->connect(options.account_ids, context.log);  // else there is nothing to wait for
    return std::unique_ptr<Subscription>(
        std::make_unique<RemoteSubscription>(std::move(feed), std::move(wrapped), options.limit));
  } catch (const std::bad_alloc&) {
    return no_memory(Code::overloaded);
  } catch (const std::exception& error) {
    return {Code::internal, connect_options->redacted + ": could not start: " + error.what()};
  }
}

}  // namespace tracking::nats_io
