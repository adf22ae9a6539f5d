#include "faults/simulation/reader.h"

#include "faults/simulation/journal.h"

namespace tracking::simulation {
namespace {

std::string text(std::uint64_t number) { return std::to_string(number); }

}  // namespace

Reader::Reader(std::unique_ptr<Subscription> subscription, const RecordingBroker& broker, std::vector<AccountId> filter,
               std::size_t next)
    : subscription_(std::move(subscription)), broker_(broker), wants_all_(filter.empty()), next_(next) {
  for (const AccountId id : filter) filter_[id] = 0;
}

ReadState Reader::read(std::size_t events_max, std::size_t bytes_max) {
  const ReadState state = subscription_->read(deliveries_, events_max, bytes_max);
  for (const DeliveryView& delivery : deliveries_) {
    delivery.gap ? take_gap(delivery) : take_event(delivery);
    is_filter_new_ = false;
  }
  return state;
}

bool Reader::wants(std::size_t index) const {
  if (wants_all_) return true;
  const auto found = filter_.find(broker_.log()[index].account_id);
  return found != filter_.end() && index >= found->second;
}

std::uint64_t Reader::wanted_before(std::size_t end) const {
  std::uint64_t count = 0;
  for (std::size_t i = next_; i < end; ++i) count += wants(i);
  return count;
}

void Reader::take_event(const DeliveryView& delivery) {
  const std::size_t index = delivery.cursor.position - 1;
  expect(index < broker_.log().size(), "an event was delivered that nobody published");
  const Stored& stored = broker_.log()[index];
  expect(serial_of(delivery.json) == stored.serial, "position " + text(index + 1) + " holds another event");
  expect(index >= next_, "event " + text(stored.serial) + " was delivered again, or out of order");
  expect(wants(index), "event " + text(stored.serial) + " was delivered to one who did not ask for it");
  expect(wanted_before(index) == 0, text(wanted_before(index)) + " events before event " + text(stored.serial) +
                                        " were neither delivered nor told as a gap");
  next_ = index + 1;
  ++delivered_;
}

void Reader::take_gap(const DeliveryView& delivery) {
  const std::size_t end = delivery.cursor.position;
  expect(end <= broker_.log().size(), "a gap reaches beyond what was published");
  if (end > next_) {
    const std::uint64_t missed = wanted_before(end);
    if (delivery.gap->missed && !is_filter_new_) {
      expect(*delivery.gap->missed == missed, "a gap '" + delivery.gap->reason + "' tells of " +
                                                  text(*delivery.gap->missed) + " events, and " + text(missed) +
                                                  " were missed");
    }
    next_ = end;
  }
  ++gaps_;
}

void Reader::set_accounts(std::vector<AccountId> filter) {
  std::map<AccountId, std::size_t> changed;
  for (const AccountId id : filter) {
    const auto before = filter_.find(id);
    if (wants_all_) {
      changed[id] = 0;
    } else {
      changed[id] = before == filter_.end() ? broker_.log().size() : before->second;
    }
  }
  expect(subscription_->set_accounts(filter).is_ok(), "the filter could not be changed");
  filter_ = std::move(changed);
  wants_all_ = false;
  is_filter_new_ = true;
}

std::pair<std::string, std::size_t> Reader::leave() const {
  std::string cursor = subscription_->cursor();
  const std::size_t place = parse_cursor(cursor).value().position;
  expect(place >= next_ && wanted_before(place) == 0, "a cursor stands elsewhere than its reader");
  return {std::move(cursor), place};
}

void Reader::expect_complete() const {
  expect(wanted_before(broker_.log().size()) == 0,
         text(wanted_before(broker_.log().size())) + " events were neither delivered nor told as a gap");
}

}  // namespace tracking::simulation
