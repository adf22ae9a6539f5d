#include "http/account_filter.h"

#include <algorithm>

namespace tracking::remote {
namespace {

std::vector<AccountId> sorted(std::span<const AccountId> ids) {
  std::vector<AccountId> result(ids.begin(), ids.end());
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

bool is_behind(const StartMark& mark, Timestamp timestamp, std::string_view cursor) {
  if (mark.after) {
    const auto position = parse_cursor(cursor);
    if (position && position->incarnation == mark.after->incarnation) return position->position > mark.after->position;
  }
  return timestamp >= mark.from;
}

}  // namespace

AccountFilter::AccountFilter(std::vector<AccountId> account_ids) : account_ids_(sorted(account_ids)) {}

bool AccountFilter::has(AccountId account_id) const {
  return is_everyone() || std::binary_search(account_ids_.begin(), account_ids_.end(), account_id);
}

bool AccountFilter::adds(std::span<const AccountId> account_ids) const {
  if (is_everyone()) return false;
  if (account_ids.empty()) return true;
  return !std::all_of(account_ids.begin(), account_ids.end(), [this](AccountId id) { return has(id); });
}

void AccountFilter::change(std::span<const AccountId> account_ids, const StartMark& mark) {
  auto ids = sorted(account_ids);
  std::map<AccountId, std::optional<StartMark>> marks;
  const auto mark_of = [this](AccountId id) {
    const auto found = marks_.find(id);
    return found != marks_.end() ? found->second : others_;
  };
  if (!ids.empty()) {
    for (const AccountId id : ids) {
      const auto its = has(id) ? mark_of(id) : std::optional(mark);
      if (its) marks.emplace(id, its);
    }
    others_.reset();
  } else if (!is_everyone()) {
    for (const AccountId id : account_ids_) marks.emplace(id, mark_of(id));
    others_ = mark;
  } else {
    return;  // everyone stays everyone
  }
  marks_ = std::move(marks);
  account_ids_ = std::move(ids);
}

bool AccountFilter::wants(AccountId account_id, Timestamp timestamp, std::string_view cursor) const {
  if (!has(account_id)) return false;
  if (!has_marks()) return true;
  const auto found = marks_.find(account_id);
  const auto& mark = found != marks_.end() ? found->second : others_;
  return !mark || is_behind(*mark, timestamp, cursor);
}

}  // namespace tracking::remote
