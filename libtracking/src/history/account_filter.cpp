#include "history/account_filter.h"

#include <algorithm>

namespace tracking::history {

AccountFilter::AccountFilter(std::span<const AccountId> account_ids, std::uint64_t from)
    : is_everything_(account_ids.empty()), all_from_(account_ids.empty() ? from : never) {
  for (const AccountId id : account_ids) from_[id] = from;
  note_single();
}

void AccountFilter::note_single() {
  single_ = single().value_or(0);
  single_from_ = single_ != 0 ? from(single_) : 0;
}

AccountFilter AccountFilter::changed(std::span<const AccountId> account_ids, std::uint64_t now) const {
  AccountFilter next;
  next.is_everything_ = account_ids.empty() && is_everything_;
  next.all_from_ = never;
  if (account_ids.empty()) {
    next.all_from_ = std::min(all_from_, now);
    next.from_ = from_;
  }
  for (const AccountId id : account_ids) next.from_[id] = std::min(is_everything_ ? 0 : from(id), now);
  next.note_single();
  return next;
}

AccountFilter AccountFilter::restarted() const {
  AccountFilter next = *this;
  next.is_everything_ = is_all();
  if (is_all()) {
    next.all_from_ = 0;
    next.from_.clear();
  }
  for (auto& [id, from] : next.from_) from = 0;
  next.note_single();
  return next;
}

}  // namespace tracking::history
