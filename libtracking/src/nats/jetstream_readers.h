// All readers of a stream over one link.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "nats/jetstream_reader.h"

namespace tracking::jetstream {

/// Routes messages to readers, and does what readers need done. The server holds at most consumers_max consumers for
/// us: further readers of history wait in line for a place. Thread-safe; see who calls what.
class ReaderSet {
 public:
  static constexpr std::size_t consumers_max = 64;
  static constexpr std::size_t waiting_max = 1'024;

  enum class Place : std::uint8_t { live, history };

  /// One of the set, for as long as it lives.
  class Handle {
   public:
    Handle(ReaderSet& set, std::uint64_t id, std::shared_ptr<OrderedReader> reader)
        : set_(set), id_(id), reader_(std::move(reader)) {}
    ~Handle() { set_.remove(id_); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    OrderedReader& operator*() const noexcept { return *reader_; }
    OrderedReader* operator->() const noexcept { return reader_.get(); }
    std::uint64_t id() const noexcept { return id_; }

   private:
    ReaderSet& set_;
    const std::uint64_t id_;
    const std::shared_ptr<OrderedReader> reader_;
  };

  ReaderSet(Api& api, std::function<void()> call_keeper) : api_(api), call_keeper_(std::move(call_keeper)) {}

  // Any thread. The set outlives its handles.
  /// overloaded if too many wait in line.
  Result<std::unique_ptr<Handle>> add(Place place, std::uint64_t position, std::string filter,
                                      std::shared_ptr<MessageSink> sink);
  /// Does now what the keeper would do soon.
  Status start(Handle& handle, const StreamInfo& info, Api::Deadline deadline);

  // The keeper. Statuses come on `<inbox>.<id>`.
  void connect(const std::string& inbox);
  void disconnect() noexcept;
  bool has_work() noexcept;
  /// Starts and settles whoever needs it; the first call that fails ends it.
  Status work(const StreamInfo& info, Api::Deadline deadline);

  // The I/O thread.
  void message(std::string_view reply, std::string_view subject, std::string_view payload, std::size_t bytes) noexcept;
  void notice(std::uint64_t id, const OrderedReader::Notice& notice) noexcept;
  /// Somebody's consumer is gone; NATS does not say whose.
  void consumer_gone() noexcept;

 private:
  struct Entry {
    std::shared_ptr<OrderedReader> reader;
    Place place = Place::live;
    bool has_place = true;  // may have a consumer
    std::string consumer;   // the one that it was last given
  };
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  void remove(std::uint64_t id);
  Status start(std::uint64_t id, OrderedReader& reader, const StreamInfo& info, Api::Deadline deadline);
  std::shared_ptr<OrderedReader> next_in_need(std::uint64_t& after);
  void give_places();

  Api& api_;
  const std::function<void()> call_keeper_;

  std::mutex mutex_;
  // Guarded by mutex_.
  std::string inbox_;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, Entry> entries_;  // in the order in which they came
  std::unordered_map<std::string, std::shared_ptr<OrderedReader>, Hash, std::equal_to<>> by_consumer_;
  std::size_t consumers_ = 0;
  std::size_t waiting_ = 0;

  // The I/O thread's: messages mostly come in runs.
  std::string last_consumer_;
  std::weak_ptr<OrderedReader> last_reader_;
};

}  // namespace tracking::jetstream
