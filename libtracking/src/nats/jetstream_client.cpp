#include "nats/jetstream_client.h"

#include <charconv>

#include "codec/no_memory.h"
#include "nats/jetstream_start.h"

namespace tracking::jetstream {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr auto answer_max = 2s;        // of a call by the keeper
constexpr auto subscribe_max = 900ms;  // no thread of ours blocks for more than a second
constexpr auto look_interval = 2s;
constexpr auto report_interval = 30s;
// What a message has beside the line: "NATS/1.0", "Nats-Msg-Id: <account_id>:<id>" and line breaks.
constexpr std::size_t header_bytes_max = 128;

// A stream stores nothing that is meant for another one.
void publish_for_nobody(nats_io::Link& link, const char* subject) {
  natsMsg* message = nullptr;
  if (natsMsg_Create(&message, subject, nullptr, "", 0) != NATS_OK) return;
  if (natsMsgHeader_Set(message, "Nats-Expected-Stream", "probe-of-tracking") == NATS_OK)
    natsConnection_PublishMsg(link.get(), message);
  natsMsg_Destroy(message);
}

}  // namespace

StreamClient::Inbox::~Inbox() {
  for (auto* const subscription : {acks, answers, messages}) natsSubscription_Destroy(subscription);
}

/// Keeps the feed running.
class StreamClient::LiveSubscription final : public Subscription {
 public:
  explicit LiveSubscription(StreamClient& client) : client_(client) { client_.feed_.retain(); }
  ~LiveSubscription() override {
    inner_.reset();
    client_.feed_.release();
  }
  void adopt(std::unique_ptr<Subscription> inner) { inner_ = std::move(inner); }

  ReadState read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept override {
    return inner_->read(out, events_max, bytes_max);
  }
  Status set_accounts(std::span<const AccountId> account_ids) noexcept override {
    client_.catch_up();
    return inner_->set_accounts(account_ids);
  }
  std::string cursor() const override { return inner_->cursor(); }
  Status status() const override { return inner_->status(); }

 private:
  StreamClient& client_;
  std::unique_ptr<Subscription> inner_;
};

StreamClient::StreamClient(nats_io::Options options, Settings settings, Purpose purpose, Clock& clock, Log log)
    : options_(std::move(options)),
      settings_(std::move(settings)),
      purpose_(std::move(purpose)),
      clock_(clock),
      log_(std::move(log)),
      api_(settings_.stream, options_.wildcard()),
      events_(options_.prefix),
      readers_(api_, [this] { nudge(); }),
      feed_({.api = api_, .readers = readers_, .events = events_, .clock = clock}, purpose_.history_bytes_max),
      publisher_(settings_.ack_wait, clock),
      permission_(options_, log_, publish_for_nobody),
      stream_(api_, settings_, purpose_.publishes, log_),
      subject_(options_.prefix + '.') {}

StreamClient::~StreamClient() {
  disconnect();
  tell_skipped();
}

void StreamClient::disconnect() noexcept {
  nudged_.store(nullptr, std::memory_order_release);
  connection_.reset();
}

void StreamClient::connect(std::chrono::milliseconds patience) {
  nats_io::ConnectionUser& user = *this;
  connection_ = std::make_unique<nats_io::Connection>(options_, user, log_);
  nudged_.store(connection_.get(), std::memory_order_release);
  nudge();
  connection_->wait_first_attempt(patience).ignore();
}

void StreamClient::nudge() noexcept {
  // Its own threads may ask before connect() knows it.
  if (auto* const connection = nudged_.load(std::memory_order_acquire)) connection->nudge();
}

Status StreamClient::health() const noexcept {
  return unless_no_memory(Code::broker_unavailable, [this]() -> Status {
    if (auto status = stream_status(); !status) return status;
    if (auto status = permission_.status(); !status) return status;
    // Closed before any event is told that it failed.
    if (!purpose_.publishes || publisher_.is_open()) return {};
    return {Code::broker_unavailable, options_.redacted + " takes no events at present"};
  });
}

Status StreamClient::stream_status() const {
  if (!connection_) return {Code::broker_unavailable, "not connected to NATS"};
  auto status = connection_->status();
  return status ? stream_.status() : status;
}

BrokerStats StreamClient::stats() {
  BrokerStats stats = feed_.history()->stats();
  stats.foreign_messages = events_.skipped();
  if (connection_) stats.connects = connection_->connects();
  const auto counters = publisher_.counters();
  stats.refused_full = counters.full;
  stats.acks_timed_out = counters.timed_out;
  return stats;
}

// --- Publishing ------------------------------------------------------------------------------------------------------

void StreamClient::publish(const Lines& lines, Completion done) noexcept {
  publisher_.publish(lines, std::move(done));
  if (connection_) connection_->wake();
}

Status StreamClient::close(std::chrono::milliseconds deadline) noexcept {
  const auto end = SteadyClock::now() + deadline;
  publisher_.end();
  bool is_flushed = publisher_.wait_until_idle(deadline);
  if (connection_) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - SteadyClock::now());
    is_flushed = connection_->flush(std::max(left, 1ms)).is_ok() && is_flushed;
  }
  // Subscribers get what is there, and that is all of it.
  if (feed_.has_users())
    feed_.wait_for(publisher_.acknowledged_position() + 1, std::min(end, SteadyClock::now() + subscribe_max));
  is_closed_ = true;
  feed_.history()->close();
  publisher_.give_up();
  if (is_flushed) return {};
  return unless_no_memory(Code::timed_out, [this]() -> Status {
    return {Code::timed_out, options_.redacted + ": not every event was acknowledged by the deadline: in doubt"};
  });
}

// --- Subscribing -----------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Subscription>> StreamClient::subscribe(const SubscribeOptions& options, Wake wake) noexcept {
  return unless_no_memory(Code::overloaded, [&] { return open(options, std::move(wake)); });
}

Result<std::unique_ptr<Subscription>> StreamClient::open(const SubscribeOptions& options, Wake wake) {
  const auto now = clock_.now();
  const auto point = parse_since(options.since, now);
  if (!point) return point.error();
  if (is_closed_) return {Code::closed, "the broker is closed"};
  // Who may not publish may read all the same.
  if (auto status = stream_status(); !status) return status;
  if (!api_.is_responsive()) return {Code::broker_unavailable, "JetStream does not answer"};
  const auto deadline = SteadyClock::now() + subscribe_max;
  auto subscription = std::make_unique<LiveSubscription>(*this);
  const auto unavailable = [](const Status& status) {
    return status.code() == Code::timed_out ? Status(Code::broker_unavailable, status.message()) : status;
  };
  if (auto status = feed_.begin(deadline); !status) return unavailable(status);
  auto start = resolve_start(api_, feed_, events_, options, *point, publisher_.acknowledged_position(), now, deadline);
  if (!start) return unavailable(start.error());
  const auto scan_from = [this, scan = start->scan](std::uint64_t position, const history::AccountFilter& filter,
                                                    Wake wake_scan) {
    ScanStart from = scan;
    if (position != scan.position) from = {.incarnation = scan.incarnation, .position = position};
    return open_scan(readers_, events_, from, filter, std::move(wake_scan));
  };
  auto stored = history::open_stored(feed_.history(), options, start->stored, scan_from, std::move(wake));
  if (!stored) return stored.error();
  subscription->adopt(std::move(*stored));
  return std::unique_ptr<Subscription>(std::move(subscription));
}

void StreamClient::set_filter(std::optional<AccountId> only) { feed_.set_filter(only ? events_.subject(*only) : ""); }

void StreamClient::catch_up_with_stream() noexcept {
  const auto deadline = SteadyClock::now() + subscribe_max;
  has_memory_for([&] {
    if (const auto info = api_.stream_info(deadline)) feed_.wait_for(info->last + 1, deadline);
  });
}

void StreamClient::catch_up() noexcept {
  feed_.wait_for(publisher_.acknowledged_position() + 1, SteadyClock::now() + subscribe_max);
}

// --- The keeper ------------------------------------------------------------------------------------------------------

Status StreamClient::on_connected(const std::shared_ptr<nats_io::Link>& link) noexcept {
  return unless_no_memory(Code::broker_unavailable, [&] { return set_up(link); });
}

Status StreamClient::set_up(const std::shared_ptr<nats_io::Link>& link) {
  natsInbox* made = nullptr;
  if (natsInbox_Create(&made) != NATS_OK) return no_memory(Code::broker_unavailable);
  const std::unique_ptr<natsInbox, void (*)(natsInbox*)> name(made, natsInbox_Destroy);
  auto inbox = std::make_shared<Inbox>(name.get());
  const auto subscribe = [&](natsSubscription*& subscription, const char* kind) {
    auto status = natsConnection_SubscribeSync(&subscription, link->get(), (inbox->name + kind).c_str());
    if (status == NATS_OK) status = natsSubscription_SetPendingLimits(subscription, -1, -1);
    return status;
  };
  auto status = subscribe(inbox->acks, ".a.*");
  if (status == NATS_OK) status = subscribe(inbox->answers, ".r.*");
  if (status == NATS_OK) status = subscribe(inbox->messages, ".m.*");
  if (status != NATS_OK) return {Code::broker_unavailable, nats_io::last_error(status)};
  {
    const std::lock_guard lock(mutex_);
    inbox_ = inbox;
  }
  api_.connect(link, inbox->name + ".r");
  readers_.connect(inbox->name + ".m");
  permission_.connected();
  look(*link);
  return {};
}

void StreamClient::on_disconnected(const Status&) noexcept {
  api_.disconnect();
  publisher_.disconnect();
  readers_.disconnect();
  const std::lock_guard lock(mutex_);
  inbox_ = nullptr;
}

Status StreamClient::on_tick(const std::shared_ptr<nats_io::Link>& link) noexcept {
  publisher_.expire();
  api_.expire();
  if (auto status = check_permission(*link); !status) return status;
  const bool may_open = purpose_.publishes && !publisher_.is_open() && !permission_.is_refused() && !is_closed_;
  const bool is_due = SteadyClock::now() >= next_look_ || readers_.has_work() || !stream_.status() || may_open;
  if ((!is_due || look(*link)) && purpose_.on_ready) has_memory_soon_for(purpose_.on_ready);
  tell_troubles();
  return {};
}

Status StreamClient::check_permission(nats_io::Link& link) noexcept {
  using Change = nats_io::PublishPermission::Change;
  const auto change = permission_.tick(link);
  if (!change) return change.error();
  if (*change == Change::refused) {
    publisher_.stop();
    publisher_.give_up();  // which of them it was is not told
  } else if (*change == Change::granted) {
    next_look_ = {};
  }
  return {};
}

// What there was no memory for is done at the next tick.
bool StreamClient::look(nats_io::Link& link) noexcept {
  bool is_there = false;
  if (!has_memory_soon_for([&] { is_there = try_look(link); })) next_look_ = {};
  return is_there;
}

bool StreamClient::try_look(nats_io::Link& link) {
  const auto deadline = SteadyClock::now() + answer_max;
  const auto position = feed_.position();
  const auto info = stream_.look(deadline);
  next_look_ = SteadyClock::now() + look_interval;
  // While other answers come it is only slow.
  if (info.code() == Code::timed_out && SteadyClock::now() - link.heard() >= answer_max)
    stream_.set_unready(info.error());
  if (!info) {
    if (!stream_.status()) publisher_.stop();
    return false;
  }
  if (purpose_.publishes && !is_closed_ && !permission_.is_refused())
    publisher_.open(link.payload_bytes_max() - header_bytes_max);
  feed_.keep(*info, position);
  readers_.work(*info, deadline).ignore();
  return true;
}

void StreamClient::tell_troubles() noexcept {
  const auto now = SteadyClock::now();
  if (!log_ || now < next_report_) return;
  const auto refusal = publisher_.take_refusal();
  if (!refusal.empty())
    say(log_, LogLevel::warning, [&] { return "the stream " + settings_.stream + " refuses events: " + refusal; });
  if (tell_skipped() || !refusal.empty()) next_report_ = now + report_interval;
}

bool StreamClient::tell_skipped() noexcept {
  const auto skipped = events_.skipped();
  const auto since = skipped - std::exchange(skipped_told_, skipped);
  if (since == 0 || !log_) return false;
  say(log_, LogLevel::warning, [&] {
    return "skipped " + std::to_string(since) + (since == 1 ? " message" : " messages") + " in the stream " +
           settings_.stream + ", which are no events of ours";
  });
  return true;
}

std::shared_ptr<StreamClient::Inbox> StreamClient::inbox() const {
  const std::lock_guard lock(mutex_);
  return inbox_;
}

}  // namespace tracking::jetstream
