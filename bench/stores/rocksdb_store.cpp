// RocksDB as a log: a WriteBatch a group, synced; keys are positions; the oldest files go by age and size.
#include <rocksdb/db.h>
#include <rocksdb/table.h>

#include <bit>
#include <cstring>

#include "frames.h"

namespace tracking::bench {
namespace {

namespace rdb = ROCKSDB_NAMESPACE;

enum class ValueIs : bool { event, frame };

// Big-endian, so that bytes sort as numbers do.
std::string key_of(std::uint64_t position) {
  const std::uint64_t swapped = __builtin_bswap64(position);
  return {reinterpret_cast<const char*>(&swapped), sizeof swapped};
}

std::uint64_t position_of(const rdb::Slice& key) {
  std::uint64_t swapped = 0;
  if (key.size() != sizeof swapped) throw StoreError("a key that is none of ours");
  std::memcpy(&swapped, key.data(), sizeof swapped);
  return __builtin_bswap64(swapped);
}

std::string_view text_of(const rdb::Slice& slice) { return {slice.data(), slice.size()}; }

void expect(const rdb::Status& status) {
  if (!status.ok()) throw StoreError(status.ToString());
}

/// What stands before the line of an event that has a key of its own.
struct EventHead {
  AccountId account_id = 0;
  std::int64_t timestamp_us = 0;
};

class RocksStore final : public Store {
 public:
  RocksStore(std::unique_ptr<rdb::DB> db, ValueIs value_is) : db_(std::move(db)), value_is_(value_is) {
    const auto last = open_iterator();
    last->SeekToLast();
    if (last->Valid()) next_ = end_of(*last);
    expect(last->status());
  }

  void append(std::span<const Line> lines) override {
    batch_.Clear();
    const std::uint64_t end = value_is_ == ValueIs::event ? put_events(lines) : put_frames(lines);
    rdb::WriteOptions durable;
    durable.sync = true;
    expect(db_->Write(durable, &batch_));
    next_ = end;
  }

  void settle() override { expect(db_->Flush({})); }

  std::uint64_t next_position() override { return next_; }

  void read(std::uint64_t position, Visitor& visitor) override {
    const auto at = open_iterator();
    // A frame may begin before the position that it holds.
    if (value_is_ == ValueIs::frame) at->SeekForPrev(key_of(position));
    if (!at->Valid()) at->Seek(key_of(position));
    // Where a block cannot be read, the iterator ends: it is asked again for each position behind it.
    while (position < next_) {
      if (at->Valid()) {
        const std::uint64_t found = position_of(at->key());
        if (found > position) visitor.loss(position, found);
        position = visit(*at, position, visitor);
        at->Next();
      } else {
        if (at->status().ok()) break;
        visitor.loss(position, position + 1);
        at->Seek(key_of(++position));
      }
    }
  }

 private:
  std::unique_ptr<rdb::Iterator> open_iterator() {
    rdb::ReadOptions once;  // verifies checksums by default
    once.fill_cache = false;
    once.readahead_size = 512 << 10;
    return std::unique_ptr<rdb::Iterator>(db_->NewIterator(once));
  }

  std::uint64_t put_events(std::span<const Line> lines) {
    std::uint64_t position = next_;
    for (const Line& line : lines) {
      const EventHead head{line.account_id, line.timestamp.time_since_epoch().count()};
      const std::string key = key_of(position++);
      const rdb::Slice key_part(key);
      const rdb::Slice value[] = {{reinterpret_cast<const char*>(&head), sizeof head},
                                  {line.json.data(), line.json.size()}};
      expect(batch_.Put(rdb::SliceParts(&key_part, 1), rdb::SliceParts(value, std::size(value))));
    }
    return position;
  }

  std::uint64_t put_frames(std::span<const Line> lines) {
    std::uint64_t position = next_;
    for (file_log::FrameBuilder* const frame : packer_.pack(lines)) {
      join_frame(*frame, position, bytes_);
      expect(batch_.Put(key_of(position), bytes_));
      position += frame->count();
    }
    return position;
  }

  std::uint64_t end_of(const rdb::Iterator& at) const {
    if (value_is_ == ValueIs::event) return position_of(at.key()) + 1;
    const auto frame = view_frame(text_of(at.value()));
    if (!frame) throw StoreError("the last frame is damaged");
    return frame->next_position();
  }

  /// Returns the position behind it.
  std::uint64_t visit(const rdb::Iterator& at, std::uint64_t from, Visitor& visitor) const {
    const std::string_view value = text_of(at.value());
    if (value_is_ == ValueIs::frame) {
      const auto frame = view_frame(value);
      if (!frame) throw StoreError("a damaged frame that RocksDB found sound");
      visit_frame(*frame, from, visitor);
      return frame->next_position();
    }
    EventHead head;
    if (value.size() < sizeof head) throw StoreError("a damaged event that RocksDB found sound");
    std::memcpy(&head, value.data(), sizeof head);
    const std::uint64_t position = position_of(at.key());
    visitor.event(position, head.account_id, value.substr(sizeof head));
    return position + 1;
  }

  const std::unique_ptr<rdb::DB> db_;
  const ValueIs value_is_;
  std::uint64_t next_ = 1;
  rdb::WriteBatch batch_;
  FramePacker packer_;
  std::string bytes_;
};

rdb::Options options_of_a_log(rdb::WALRecoveryMode recovery) {
  rdb::Options options;
  options.create_if_missing = true;
  options.compression = rdb::kNoCompression;  // as the others; compressing would cost CPU for each event
  options.compaction_style = rdb::kCompactionStyleFIFO;
  options.compaction_options_fifo.max_table_files_size = std::uint64_t{10} << 30;
  options.ttl = 7 * 24 * 3'600;
  options.recycle_log_file_num = recovery == rdb::WALRecoveryMode::kPointInTimeRecovery ? 4 : 0;
  options.wal_recovery_mode = recovery;
  options.keep_log_file_num = 2;
  return options;
}

Contestant contestant(const char* name, ValueIs value_is, rdb::WALRecoveryMode recovery) {
  const auto open = [=](const std::string& folder) -> std::unique_ptr<Store> {
    rdb::DB* db = nullptr;
    expect(rdb::DB::Open(options_of_a_log(recovery), folder, &db));
    return std::make_unique<RocksStore>(std::unique_ptr<rdb::DB>(db), value_is);
  };
  const bool is_other = recovery != rdb::WALRecoveryMode::kPointInTimeRecovery;
  return {.name = name, .differs_only_in_recovery = is_other, .open = open};
}

}  // namespace

std::vector<Contestant> rocksdb_contestants() {
  using rdb::WALRecoveryMode;
  return {contestant("rocksdb", ValueIs::event, WALRecoveryMode::kPointInTimeRecovery),
          contestant("rocksdb-frames", ValueIs::frame, WALRecoveryMode::kPointInTimeRecovery),
          contestant("rocksdb-skip", ValueIs::event, WALRecoveryMode::kSkipAnyCorruptedRecords)};
}

}  // namespace tracking::bench
