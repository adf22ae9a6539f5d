#include "nats/jetstream_feed.h"

#include "codec/no_memory.h"

namespace tracking::jetstream {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

// A subscriber that reconnects does so within seconds.
constexpr auto linger = 60s;
// What was missed while nobody was subscribed is fetched if it is no more than that: then the history stays.
constexpr std::uint64_t catch_up_max = 10'000;
constexpr MessageSink::Credit request{.messages = 8'192, .bytes = 8 << 20};

}  // namespace

class LiveFeed::Sink final : public MessageSink {
 public:
  Sink(std::shared_ptr<history::EventHistory> history, EventReader& events)
      : history_(std::move(history)), events_(events) {}

  bool on_message(std::uint64_t position, std::string_view subject, std::string_view payload) noexcept override {
    if (const auto line = events_.read(subject, payload)) {
      if (!has_memory_for([&] { history_->append_at(position, *line); })) return false;
    } else {
      history_->skip_to(position + 1);
    }
    tell_waiting();
    return true;
  }
  bool on_expired(std::uint64_t position, std::optional<std::uint64_t> missed) noexcept override {
    history_->append_gap({.reason = std::string(gap_reason::expired), .missed = missed});
    history_->skip_to(position);
    return true;
  }
  void on_reached(std::uint64_t position) noexcept override {
    history_->skip_to(position);
    tell_waiting();
  }
  Credit credit() noexcept override { return request; }

  bool wait_for(std::uint64_t position, Api::Deadline deadline) {
    const auto has_come = [&] { return history_->extent().next >= position; };
    if (has_come()) return true;
    std::unique_lock lock(mutex_);
    waiting_.fetch_add(1, std::memory_order_seq_cst);
    const bool came = came_.wait_until(lock, deadline, has_come);
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    return came;
  }

 private:
  void tell_waiting() noexcept {
    if (waiting_.load(std::memory_order_seq_cst) == 0) return;
    const std::lock_guard lock(mutex_);
    came_.notify_all();
  }

  const std::shared_ptr<history::EventHistory> history_;
  EventReader& events_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::atomic<int> waiting_{0};
};

LiveFeed::LiveFeed(const Shared& shared, std::size_t history_bytes_max)
    : shared_(shared),
      history_(std::make_shared<history::EventHistory>(history::HistorySettings{.bytes_max = history_bytes_max},
                                                       shared.clock)),
      sink_(std::make_shared<Sink>(history_, shared.events)) {}

LiveFeed::~LiveFeed() = default;

LiveFeed::Turn::Turn(LiveFeed& feed, Api::Deadline deadline) : feed_(feed) {
  const auto is_free = [&] { return !feed.is_taken_; };
  std::unique_lock lock(feed.mutex_);
  if (deadline == Api::Deadline::max()) {
    feed.turn_ended_.wait(lock, is_free);
  } else if (!feed.turn_ended_.wait_until(lock, deadline, is_free)) {
    return;
  }
  feed.is_taken_ = is_ours_ = true;
}

LiveFeed::Turn::~Turn() {
  if (!is_ours_) return;
  {
    const std::lock_guard lock(feed_.mutex_);
    feed_.is_taken_ = false;
  }
  feed_.turn_ended_.notify_one();
}

void LiveFeed::retain() noexcept { users_.fetch_add(1, std::memory_order_acq_rel); }

void LiveFeed::release() noexcept { users_.fetch_sub(1, std::memory_order_acq_rel); }

Status LiveFeed::begin(Api::Deadline deadline) {
  const Turn turn(*this, deadline);
  if (!turn) return {Code::broker_unavailable, "JetStream does not answer"};
  if (reader_) return {};
  const auto info = shared_.api.stream_info(deadline);
  if (!info) return info.error();
  const auto extent = history_->extent();
  const bool is_near = extent.incarnation == info->incarnation && extent.next >= info->first &&
                       extent.next <= info->last + 1 && info->last + 1 - extent.next <= catch_up_max;
  // Nobody is subscribed, so nobody is told.
  if (!is_near) history_->restart(info->incarnation, info->last + 1);
  auto reader = reader_from(history_->extent().next);
  if (!reader) return reader.error();
  reader_ = std::move(*reader);
  auto status = shared_.readers.start(*reader_, *info, deadline);
  if (!status) stop();
  return status;
}

Result<std::unique_ptr<ReaderSet::Handle>> LiveFeed::reader_from(std::uint64_t position) {
  return shared_.readers.add(ReaderSet::Place::live, position, filter_, sink_);
}

void LiveFeed::stop() {
  if (reader_) (*reader_)->stop();
  reader_.reset();
}

bool LiveFeed::wait_for(std::uint64_t position, Api::Deadline deadline) { return sink_->wait_for(position, deadline); }

void LiveFeed::set_filter(std::string filter) {
  const Turn turn(*this, Api::Deadline::max());
  filter_ = filter;
  if (reader_) (*reader_)->set_filter(std::move(filter));
}

void LiveFeed::keep(const StreamInfo& info, std::uint64_t position) {
  const Turn turn(*this, {});
  if (!turn || !reader_) return;
  const bool is_used = users_.load(std::memory_order_acquire) > 0;
  if (is_used) unused_since_ = {};
  if (!is_used && unused_since_ == Time{}) unused_since_ = SteadyClock::now();
  const bool is_other = history_->extent().incarnation != info.incarnation;
  const bool has_lost_its_end = !is_other && info.last + 1 < position;
  if (!is_used && (is_other || has_lost_its_end || SteadyClock::now() - unused_since_ > linger)) return stop();
  if (!is_other && !has_lost_its_end) return;
  // Everything in a stream that is new is new.
  const std::uint64_t first = is_other ? info.first : info.last + 1;
  // First what may fail. It is started after this, by the keeper.
  auto reader = reader_from(first);
  if (!reader) return;
  stop();
  history_->restart(info.incarnation, first);
  reader_ = std::move(*reader);
}

}  // namespace tracking::jetstream
