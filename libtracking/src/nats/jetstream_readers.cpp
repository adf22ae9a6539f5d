#include "nats/jetstream_readers.h"

#include "codec/no_memory.h"

namespace tracking::jetstream {

Result<std::unique_ptr<ReaderSet::Handle>> ReaderSet::add(Place place, std::uint64_t position, std::string filter,
                                                          std::shared_ptr<MessageSink> sink) {
  auto reader = std::make_shared<OrderedReader>(api_, position, std::move(filter), std::move(sink), call_keeper_);
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = next_id_++;
  }
  auto handle = std::make_unique<Handle>(*this, id, reader);
  {
    const std::lock_guard lock(mutex_);
    const bool has_place = place == Place::live || consumers_ < consumers_max;
    if (!has_place && waiting_ == waiting_max)
      return {Code::overloaded, "too many subscriptions read history at the same time"};
    entries_.emplace(id, Entry{std::move(reader), place, has_place, ""});
    if (place == Place::history) ++(has_place ? consumers_ : waiting_);
  }
  call_keeper_();
  return handle;
}

void ReaderSet::remove(std::uint64_t id) {
  std::shared_ptr<OrderedReader> reader;  // destroyed without the lock: it calls the server
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;  // it was not put in
    reader = std::move(found->second.reader);
    if (found->second.place == Place::history) --(found->second.has_place ? consumers_ : waiting_);
    by_consumer_.erase(found->second.consumer);
    entries_.erase(found);
    give_places();
  }
}

void ReaderSet::give_places() {
  if (waiting_ == 0 || consumers_ == consumers_max) return;
  for (auto& [id, entry] : entries_) {
    if (entry.has_place) continue;
    entry.has_place = true;
    --waiting_;
    if (++consumers_ == consumers_max || waiting_ == 0) break;
  }
  call_keeper_();
}

Status ReaderSet::start(Handle& handle, const StreamInfo& info, Api::Deadline deadline) {
  return start(handle.id(), *handle, info, deadline);
}

Status ReaderSet::start(std::uint64_t id, OrderedReader& reader, const StreamInfo& info, Api::Deadline deadline) {
  std::string reply;
  {
    const std::lock_guard lock(mutex_);
    if (inbox_.empty()) return {Code::broker_unavailable, "not connected to NATS"};
    reply = inbox_ + '.' + std::to_string(id);
  }
  return reader.start(info, reply, deadline, [&](const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    by_consumer_.erase(std::exchange(found->second.consumer, name));
    by_consumer_.emplace(name, found->second.reader);
  });
}

void ReaderSet::connect(const std::string& inbox) {
  const std::lock_guard lock(mutex_);
  inbox_ = inbox;
}

// Consumers of ours may outlive the link, but what they gave while there was none is lost.
void ReaderSet::disconnect() noexcept {
  const std::lock_guard lock(mutex_);
  inbox_.clear();
  by_consumer_.clear();
  for (auto& [id, entry] : entries_) entry.reader->interrupt();
}

std::shared_ptr<OrderedReader> ReaderSet::next_in_need(std::uint64_t& after) {
  const std::lock_guard lock(mutex_);
  for (auto found = entries_.upper_bound(after); found != entries_.end(); ++found) {
    auto& [id, entry] = *found;
    entry.reader->tick();
    if (!entry.has_place || !entry.reader->needs_keeper()) continue;
    after = id;
    return entry.reader;
  }
  return nullptr;
}

bool ReaderSet::has_work() noexcept {
  std::uint64_t id = 0;
  return next_in_need(id) != nullptr;
}

Status ReaderSet::work(const StreamInfo& info, Api::Deadline deadline) {
  std::uint64_t id = 0;
  while (const auto reader = next_in_need(id)) {
    if (auto status = reader->settle(deadline); !status) return status;
    if (auto status = start(id, *reader, info, deadline); !status) return status;
  }
  return {};
}

void ReaderSet::message(std::string_view reply, std::string_view subject, std::string_view payload,
                        std::size_t bytes) noexcept {
  const auto place = read_place(reply);
  if (!place) return;
  auto reader = last_consumer_ == place->consumer ? last_reader_.lock() : nullptr;
  if (!reader) {
    const std::lock_guard lock(mutex_);
    const auto found = by_consumer_.find(place->consumer);
    if (found == by_consumer_.end()) return;
    reader = found->second;
    last_reader_.reset();
    if (has_memory_for([&] { last_consumer_ = place->consumer; })) last_reader_ = reader;
  }
  reader->message(*place, subject, payload, bytes);
}

void ReaderSet::notice(std::uint64_t id, const OrderedReader::Notice& notice) noexcept {
  std::shared_ptr<OrderedReader> reader;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    reader = found->second.reader;
  }
  reader->notice(notice);
}

void ReaderSet::consumer_gone() noexcept {
  const std::lock_guard lock(mutex_);
  for (auto& [id, entry] : entries_) entry.reader->interrupt();
  call_keeper_();
}

}  // namespace tracking::jetstream
