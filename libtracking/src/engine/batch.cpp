// What lanes share, and the life of a batch.
#include <algorithm>
#include <utility>

#include "engine/lane.h"

namespace tracking::engine {
namespace {

// Batches above this size give their memory back.
constexpr std::size_t kept_receipts_max = 4'096;

AckLevel strongest(const BrokerTraits& traits) { return traits.gives_stored ? AckLevel::stored : AckLevel::sent; }

std::size_t largest_data(std::size_t wanted, const BrokerTraits& traits) {
  constexpr std::size_t line_overhead = 4 << 10;
  return std::min(wanted, traits.line_bytes_max - std::min(traits.line_bytes_max, line_overhead));
}

}  // namespace

Shared::Shared(const ServiceOptions& service_options, std::shared_ptr<AccountRepository> repository,
               std::shared_ptr<Broker> the_broker, DirectoryDrive drive)
    : options(service_options),
      broker(std::move(the_broker)),
      traits(broker->traits()),
      default_ack(options.ack == AckLevel::broker_default ? strongest(traits) : options.ack),
      data_bytes_max(largest_data(options.data_bytes_max, traits)),
      directory(std::move(repository), options, drive),
      duplicates(options.duplicate_keys_max, options.duplicate_window) {
  restore_duplicates();
}

// The ids that were accepted before a restart, our own of that time among them: our key is a new one.
void Shared::restore_duplicates() {
  const Timestamp now = options.clock->now();
  const auto steady = options.clock->steady();
  const AckLevel ack = strongest(traits);
  broker->recent(now - options.duplicate_window, options.duplicate_keys_max, [&](const Line& line) {
    const auto age = std::max(now - line.timestamp, std::chrono::microseconds(0));
    duplicates.restore(duplicates.key(line.account_id, line.id), line.timestamp, ack, steady - age);
  });
  duplicates.end_restoring();
}

void Batch::finish(std::size_t count) {
  // If these are all that is left, no other thread has a hand in it any more.
  if (unfinished.load(std::memory_order_acquire) != count &&
      unfinished.fetch_sub(count, std::memory_order_acq_rel) != count)
    return;
  const ReceiptHandler handler = std::move(done);
  end(handler);
}

void Batch::finish_call(std::size_t count, ReceiptHandler&& handler) {
  // Mostly all has ended by now. Else another thread may be the last.
  if (unfinished.load(std::memory_order_acquire) == count) return end(handler);
  done = std::move(handler);
  finish(count);
}

void Batch::end(const ReceiptHandler& handler) {
  handler(receipts);
  if (receipts.size() > kept_receipts_max) {
    std::vector<Receipt>().swap(receipts);  // `= {}` would keep the memory
    std::vector<EventSlot>().swap(slots);
  }
  pool->give_back(*this);
}

}  // namespace tracking::engine
