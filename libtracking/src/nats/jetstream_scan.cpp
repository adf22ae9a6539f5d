#include "nats/jetstream_scan.h"

#include <deque>
#include <vector>

#include "codec/no_memory.h"
#include "history/wake_cell.h"

namespace tracking::jetstream {
namespace {

// What is read ahead, of which a part is asked for as soon as it was taken.
constexpr std::size_t queue_bytes_max = 1 << 20;
constexpr MessageSink::Credit request{.messages = 2'048, .bytes = queue_bytes_max / 2};
constexpr std::size_t block_bytes = 128 << 10;

/// What was read and not taken yet. Lines are copied once, into blocks that views of them keep alive. Thread-safe.
class ScanQueue final : public MessageSink {
 public:
  ScanQueue(EventReader& events, const ScanStart& start, history::AccountFilter filter, Wake wake)
      : events_(events), start_(start), filter_(std::move(filter)), wake_(std::move(wake)), after_(start.position) {
    is_found_ = !start.not_before;
  }

  bool on_message(std::uint64_t position, std::string_view subject, std::string_view payload) noexcept override;
  bool on_expired(std::uint64_t position, std::optional<std::uint64_t> missed) noexcept override;
  void on_reached(std::uint64_t position) noexcept override;
  Credit credit() noexcept override;

  ReadState read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept;
  std::uint64_t position() const;
  Status status() const;
  void stop_waking() { wake_.cancel(); }

 private:
  struct Block {
    std::string bytes;  // never grows beyond what was reserved: views stay valid
  };
  struct Item {
    std::uint64_t position = 0;
    std::shared_ptr<const Block> block;  // nullptr: a gap
    std::string_view json;
    AccountId account_id = 0;
    Timestamp timestamp{};
    std::optional<std::uint64_t> missed;
  };

  // mutex_ held.
  void add(std::uint64_t position, const Line& line);
  bool take_wake() { return std::exchange(is_armed_, false); }
  Cursor cursor_at(const Item& item) const {
    return {.incarnation = start_.incarnation, .position = item.position, .timestamp = item.timestamp};
  }

  EventReader& events_;
  const ScanStart start_;
  const history::AccountFilter filter_;
  history::WakeCell wake_;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::deque<Item> items_;
  std::shared_ptr<Block> block_;
  std::size_t bytes_ = 0;
  std::uint64_t after_;    // nothing before it is missing, once items_ is empty
  bool is_found_ = false;  // the first event that is late enough has come
  bool is_armed_ = false;
  bool has_no_memory_ = false;  // to hand out what is here, and it has ended
};

bool ScanQueue::on_message(std::uint64_t position, std::string_view subject, std::string_view payload) noexcept {
  const auto line = events_.read(subject, payload);
  bool is_due = false;
  {
    const std::lock_guard lock(mutex_);
    is_found_ = is_found_ || (line && line->timestamp >= *start_.not_before);
    if (!is_found_) return true;
    const bool is_wanted = line && filter_.matches(line->account_id, position);
    if (is_wanted && !has_memory_for([&] { add(position, *line); })) return false;
    after_ = position + 1;
    is_due = is_wanted && take_wake();
  }
  if (is_due) wake_.call();
  return true;
}

void ScanQueue::add(std::uint64_t position, const Line& line) {
  const std::string_view payload = line.json;
  if (!block_ || block_->bytes.capacity() - block_->bytes.size() < payload.size()) {
    auto block = std::make_shared<Block>();
    block->bytes.reserve(std::max(block_bytes, payload.size()));
    block_ = std::move(block);
  }
  const auto begin = block_->bytes.size();
  block_->bytes.append(payload);
  items_.push_back({.position = position,
                    .block = block_,
                    .json = std::string_view(block_->bytes).substr(begin),
                    .account_id = line.account_id,
                    .timestamp = line.timestamp,
                    .missed = std::nullopt});
  bytes_ += payload.size();
}

bool ScanQueue::on_expired(std::uint64_t position, std::optional<std::uint64_t> missed) noexcept {
  bool is_due = false;
  {
    const std::lock_guard lock(mutex_);
    const auto tell = [&] {
      items_.push_back({.position = position - 1, .block = nullptr, .json = {}, .missed = missed});
    };
    if (!has_memory_for(tell)) return false;
    after_ = std::max(after_, position);
    is_due = take_wake();
  }
  if (is_due) wake_.call();
  return true;
}

void ScanQueue::on_reached(std::uint64_t position) noexcept {
  bool is_due = false;
  {
    const std::lock_guard lock(mutex_);
    after_ = std::max(after_, position);
    is_due = take_wake();
  }
  if (is_due) wake_.call();
}

MessageSink::Credit ScanQueue::credit() noexcept {
  const std::lock_guard lock(mutex_);
  return bytes_ < queue_bytes_max / 2 ? request : Credit{};
}

ReadState ScanQueue::read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept {
  const std::lock_guard lock(mutex_);
  if (has_no_memory_) return ReadState::ended;
  std::size_t bytes = 0;
  std::size_t taken = 0;
  const auto take = [&] {
    for (; taken < items_.size() && out.size() < events_max && bytes < bytes_max; ++taken) {
      const Item& item = items_[taken];
      if (!item.block) {
        out.add_gap({.reason = std::string(gap_reason::expired), .missed = item.missed, .account_id = filter_.single()},
                    cursor_at(item));
        continue;
      }
      out.add({.json = item.json, .account_id = item.account_id, .cursor = cursor_at(item)});
      out.keep(item.block);
      bytes += item.json.size();
    }
  };
  if (!has_memory_for(take)) {  // it stands where it was
    out.clear();
    has_no_memory_ = true;
    return ReadState::ended;
  }
  items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(taken));
  bytes_ -= std::min(bytes_, bytes);
  if (!items_.empty()) return ReadState::more;
  is_armed_ = true;
  return ReadState::idle;
}

Status ScanQueue::status() const {
  const std::lock_guard lock(mutex_);
  return has_no_memory_ ? no_memory(Code::overloaded) : Status();
}

std::uint64_t ScanQueue::position() const {
  const std::lock_guard lock(mutex_);
  return items_.empty() ? after_ : items_.front().position;
}

class StreamScan final : public history::HistoryScan {
 public:
  StreamScan(std::shared_ptr<ScanQueue> queue, std::unique_ptr<ReaderSet::Handle> reader)
      : queue_(std::move(queue)), reader_(std::move(reader)) {}
  ~StreamScan() override { queue_->stop_waking(); }

  ReadState read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept override {
    out.clear();
    const ReadState state = queue_->read(out, events_max, bytes_max);
    (*reader_)->ask();
    return state;
  }
  std::uint64_t position() const noexcept override { return queue_->position(); }
  Status status() const override { return queue_->status(); }

 private:
  const std::shared_ptr<ScanQueue> queue_;
  const std::unique_ptr<ReaderSet::Handle> reader_;
};

}  // namespace

Result<std::unique_ptr<history::HistoryScan>> open_scan(ReaderSet& readers, EventReader& events, const ScanStart& start,
                                                        const history::AccountFilter& filter, Wake wake) {
  const auto single = filter.single();
  auto queue = std::make_shared<ScanQueue>(events, start, filter, std::move(wake));
  auto reader = readers.add(ReaderSet::Place::history, start.position, single ? events.subject(*single) : "", queue);
  if (!reader) return reader.error();
  return std::unique_ptr<history::HistoryScan>(std::make_unique<StreamScan>(std::move(queue), std::move(*reader)));
}

}  // namespace tracking::jetstream
