#include "verify_sender.h"

#include "track_lines.h"

#include <algorithm>

namespace tracking::cli {

// One sender: a connection, a thread, and a number for each account.
struct VerifySender::Lane {
  std::uint32_t index = 0;
  std::unique_ptr<TrackClient> client;
  std::size_t next_account = 0;
  std::vector<std::uint64_t> sent;      // by index of the account
  std::vector<std::uint64_t> accepted;  // 1 .. that
  std::thread thread;
};

// Events with all that they borrow; sending them again says so in their data.
class VerifySender::Batch {
 public:
  explicit Batch(std::size_t events) : ids_(events), data_(events), attempts_(events, 1) { events_.reserve(events); }

  void add(AccountId account_id, std::string id, std::string data) {
    const std::size_t index = events_.size();
    ids_[index] = std::move(id);
    data_[index] = std::move(data);
    events_.push_back({.account_id = account_id, .data = Data(data_[index]), .id = ids_[index]});
  }
  std::vector<Receipt> send(TrackClient& client, std::atomic<std::uint64_t>& sent_again) {
    return client.track(events_, [&](std::size_t index) {
      set_attempt(data_[index], ++attempts_[index]);
      ++sent_again;
    });
  }

 private:
  std::vector<std::string> ids_;
  std::vector<std::string> data_;
  std::vector<unsigned> attempts_;
  std::vector<Event> events_;
};

VerifySender::VerifySender(const VerifySettings& settings) : settings_(settings) {}

Result<std::unique_ptr<VerifySender>> VerifySender::open(const VerifySettings& settings) {
  std::unique_ptr<VerifySender> sender(new VerifySender(settings));
  TrackSettings track = settings.track;
  // A lane is one connection, so that its numbers are sent in order.
  track.connections = 1;
  for (std::uint32_t index = 0; index < settings.connections; ++index) {
    auto client = TrackClient::open(track);
    if (!client) return client.error();
    auto lane = std::make_unique<Lane>();
    lane->index = index;
    lane->client = std::move(*client);
    lane->next_account = index % settings.accounts.size();
    lane->sent.resize(settings.accounts.size());
    lane->accepted.resize(settings.accounts.size());
    sender->lanes_.push_back(std::move(lane));
  }
  return sender;
}

VerifySender::~VerifySender() {
  stop();
  for (const auto& lane : lanes_) {
    if (lane->thread.joinable()) lane->thread.join();
  }
}

void VerifySender::start() {
  started_ = std::chrono::steady_clock::now();
  running_ = lanes_.size();
  for (const auto& lane : lanes_) lane->thread = std::thread([this, &lane = *lane] { run(lane); });
}

void VerifySender::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (is_stopping_) return;
    is_stopping_ = true;
  }
  changed_.notify_all();
  for (const auto& lane : lanes_) lane->client->stop();
}

bool VerifySender::wait(std::chrono::milliseconds time) {
  {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, time, [this] { return running_ == 0; })) return false;
  }
  for (const auto& lane : lanes_) {
    if (lane->thread.joinable()) lane->thread.join();
  }
  return true;
}

void VerifySender::run(Lane& lane) {
  std::uint64_t events = 0;
  while (claim(events) && send(lane, events)) {
  }
  {
    const std::lock_guard lock(mutex_);
    --running_;
    finished_ = std::chrono::steady_clock::now();
  }
  changed_.notify_all();
}

// Takes the next events of the run, when they are due. False: there are none.
bool VerifySender::claim(std::uint64_t& events) {
  const std::uint64_t position = claimed_.fetch_add(settings_.batch);
  events = settings_.batch;
  if (settings_.count > 0) {
    if (position < settings_.count) events = std::min(events, settings_.count - position);
    if (position >= settings_.count) events = 0;
  }
  claimed_ -= settings_.batch - events;
  return events > 0 && wait_until_due(position);
}

bool VerifySender::wait_until_due(std::uint64_t position) {
  auto due = started_;
  if (settings_.rate > 0) {
    due += std::chrono::nanoseconds(
        static_cast<std::int64_t>(static_cast<double>(position) * 1e9 / static_cast<double>(settings_.rate)));
  }
  std::unique_lock lock(mutex_);
  const bool stops =
      settings_.rate > 0 ? changed_.wait_until(lock, due, [this] { return is_stopping_; }) : is_stopping_;
  return !stops && (!settings_.time_max || std::chrono::steady_clock::now() < started_ + *settings_.time_max);
}

bool VerifySender::send(Lane& lane, std::uint64_t events) {
  Batch batch(events);
  std::vector<std::size_t> accounts(events);
  for (std::size_t& account : accounts) {
    account = lane.next_account;
    lane.next_account = (account + 1) % settings_.accounts.size();
    const VerifyStream stream{lane.index, settings_.accounts[account]};
    std::string id = verify_id(settings_.run, VerifyEvent::Kind::numbered, stream, ++lane.sent[account]);
    std::string data = verify_data(id, settings_.data_bytes);
    batch.add(stream.account_id, std::move(id), std::move(data));
  }
  const auto receipts = batch.send(*lane.client, sent_again_);
  for (std::size_t i = 0; i < receipts.size(); ++i) {
    if (receipts[i].code != Code::ok) {
      const Status connection = lane.client->connection();
      const bool has_none = connection.code() == Code::could_not_connect;
      fail(has_none ? connection
                    : Status(receipts[i].code, std::string(name(receipts[i].code)) + ": " +
                                                   explain(receipts[i].code, settings_.accounts[accounts[i]])));
      return false;
    }
    ++lane.accepted[accounts[i]];
    ++accepted_;
    if (receipts[i].duplicate) ++duplicates_;
  }
  return true;
}

void VerifySender::fail(const Status& status) {
  {
    const std::lock_guard lock(mutex_);
    if (is_stopping_) return;  // what is given up then says nothing about the server
    failure_ = status;
  }
  stop();
}

SendCounts VerifySender::counts() const {
  SendCounts counts{.accepted = accepted_, .sent_again = sent_again_, .duplicates = duplicates_};
  for (const auto& lane : lanes_) {
    if (lane->thread.joinable()) return counts;  // while they run, the lanes' own numbers are theirs
    for (const std::uint64_t sent : lane->sent) counts.sent += sent;
  }
  return counts;
}

Status VerifySender::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

double VerifySender::seconds() const {
  const std::lock_guard lock(mutex_);
  return std::chrono::duration<double>(finished_ - started_).count();
}

std::uint64_t VerifySender::accepted(VerifyStream stream) const {
  const auto place = std::lower_bound(settings_.accounts.begin(), settings_.accounts.end(), stream.account_id);
  return lanes_[stream.lane]->accepted[static_cast<std::size_t>(place - settings_.accounts.begin())];
}

Status VerifySender::say_hello() { return send_all(*lanes_.front(), VerifyEvent::Kind::hello, ++hellos_); }

Status VerifySender::say_end() {
  for (const auto& lane : lanes_) {
    if (auto status = send_all(*lane, VerifyEvent::Kind::end, 0); !status) return status;
  }
  return {};
}

// An uncounted event to each account. `number` tells hellos apart.
Status VerifySender::send_all(Lane& lane, VerifyEvent::Kind kind, std::uint64_t number) {
  constexpr std::size_t batch_max = 1'000;
  for (std::size_t first = 0; first < settings_.accounts.size(); first += batch_max) {
    const std::size_t last = std::min(first + batch_max, settings_.accounts.size());
    Batch batch(last - first);
    for (std::size_t i = first; i < last; ++i) {
      const VerifyStream stream{lane.index, settings_.accounts[i]};
      std::string id = verify_id(settings_.run, kind, stream, number);
      std::string data = kind == VerifyEvent::Kind::end ? verify_end_data({lane.accepted[i], settings_.streams()})
                                                        : verify_data(id, settings_.data_bytes);
      batch.add(stream.account_id, std::move(id), std::move(data));
    }
    const auto receipts = batch.send(*lane.client, sent_again_);
    for (std::size_t i = 0; i < receipts.size(); ++i) {
      if (receipts[i].code == Code::ok) continue;
      Status connection = lane.client->connection();
      if (connection.code() == Code::could_not_connect) return connection;
      return {receipts[i].code,
              std::string(name(receipts[i].code)) + ": " + explain(receipts[i].code, settings_.accounts[first + i])};
    }
  }
  return {};
}

}  // namespace tracking::cli
