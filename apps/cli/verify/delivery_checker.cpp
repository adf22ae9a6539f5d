#include "delivery_checker.h"

#include <algorithm>

namespace tracking::cli {
namespace {

constexpr std::size_t holes_max = 10'000;  // a stream: 240 KB. More than that, and the verdict is clear

}  // namespace

DeliveryChecker::Stream& DeliveryChecker::find(VerifyStream stream) {
  const auto [place, is_new] = streams_.try_emplace(stream);
  if (is_new) place->second.has_gap_before_next = counts_.gaps > 0;
  return place->second;
}

void DeliveryChecker::event(const VerifyEvent& event, std::string_view producer, std::uint64_t sequence) {
  const bool runs_backward = note_sequence(event.stream.account_id, producer, sequence);
  if (event.kind != VerifyEvent::Kind::numbered) return;
  Stream& stream = find(event.stream);
  if (!event.is_intact) ++counts_.altered;
  if (event.number > stream.highest) {
    if (event.number > stream.highest + 1) add_hole(stream, stream.highest + 1, event.number - 1);
    stream.highest = event.number;
    stream.has_gap_before_next = false;
    ++counts_.received;
    if (runs_backward) ++counts_.reordered;
  } else if (fill(stream, event.number)) {
    ++counts_.received;
    if (runs_backward || !event.is_sent_again) ++counts_.reordered;
  } else {
    ++counts_.repeated;
    if (event.is_sent_again) ++counts_.repeated_resent;
  }
}

void DeliveryChecker::others_event(AccountId account_id, std::string_view producer, std::uint64_t sequence) {
  if (note_sequence(account_id, producer, sequence)) ++counts_.reordered;
}

void DeliveryChecker::gap(const Gap& gap) {
  ++counts_.gaps;
  // Reasons come from the other side: as many different ones as a server has, and no more.
  constexpr std::size_t reasons_max = 32;
  const bool is_known = counts_.gaps_by_reason.contains(gap.reason) || counts_.gaps_by_reason.size() < reasons_max;
  ++counts_.gaps_by_reason[is_known ? gap.reason : "other"];
  counts_.missed += gap.missed.value_or(0);
  if (!gap.missed) has_open_gap_ = true;
  for (auto& [key, stream] : streams_) {
    if (!gap.account_id || *gap.account_id == key.account_id) stream.has_gap_before_next = true;
  }
}

void DeliveryChecker::expect(VerifyStream key, std::uint64_t accepted) {
  Stream& stream = find(key);
  if (!stream.has_ended) ++ended_;
  stream.has_ended = true;
  stream.accepted = accepted;
}

bool DeliveryChecker::is_complete() const {
  return std::all_of(streams_.begin(), streams_.end(), [](const auto& entry) {
    const Stream& stream = entry.second;
    if (!stream.has_ended) return true;
    const bool has_hole = !stream.holes.empty() && stream.holes.front().first <= stream.accepted;
    return stream.highest >= stream.accepted && !has_hole && stream.lost + stream.lost_announced == 0;
  });
}

void DeliveryChecker::add_lost(const Stream& stream, DeliveryCounts& counts) {
  counts.lost += stream.lost;
  counts.lost_announced += stream.lost_announced;
  const auto add = [&counts](std::uint64_t first, std::uint64_t last, bool is_announced) {
    if (first <= last) (is_announced ? counts.lost_announced : counts.lost) += last - first + 1;
  };
  for (const Hole& hole : stream.holes) {
    add(hole.first, stream.has_ended ? std::min(hole.last, stream.accepted) : hole.last, hole.is_announced);
  }
  if (stream.has_ended) add(stream.highest + 1, stream.accepted, stream.has_gap_before_next);
}

DeliveryCounts DeliveryChecker::counts() const {
  DeliveryCounts counts = counts_;
  for (const auto& entry : streams_) add_lost(entry.second, counts);
  // Gaps that all knew their number cannot stand for more than that.
  if (!has_open_gap_ && counts.lost_announced > counts.missed) {
    counts.lost += counts.lost_announced - counts.missed;
    counts.lost_announced = counts.missed;
  }
  return counts;
}

void DeliveryChecker::add_hole(Stream& stream, std::uint64_t first, std::uint64_t last) {
  stream.holes.push_back({first, last, stream.has_gap_before_next});
  bound(stream);
}

void DeliveryChecker::bound(Stream& stream) {
  if (stream.holes.size() <= holes_max) return;
  const Hole& oldest = stream.holes.front();
  (oldest.is_announced ? stream.lost_announced : stream.lost) += oldest.last - oldest.first + 1;
  stream.holes.erase(stream.holes.begin());
}

// True if the number was missing until now.
bool DeliveryChecker::fill(Stream& stream, std::uint64_t number) {
  auto& holes = stream.holes;
  const auto hole =
      std::lower_bound(holes.begin(), holes.end(), number,
                       [](const Hole& candidate, std::uint64_t wanted) { return candidate.last < wanted; });
  if (hole == holes.end() || number < hole->first) return false;
  if (hole->first == hole->last) {
    holes.erase(hole);
  } else if (number == hole->first) {
    ++hole->first;
  } else if (number == hole->last) {
    --hole->last;
  } else {
    const Hole behind{number + 1, hole->last, hole->is_announced};
    hole->last = number - 1;
    holes.insert(hole + 1, behind);
    bound(stream);
  }
  return true;
}

bool DeliveryChecker::note_sequence(AccountId account_id, std::string_view producer, std::uint64_t sequence) {
  if (producer.empty() || sequence == 0) return false;
  Account& account = accounts_[account_id];
  const std::uint64_t name_hash = hash_id(producer);
  for (Producer& known : account.producers) {
    if (known.name_hash != name_hash) continue;
    const bool runs_backward = sequence < known.sequence;
    known.sequence = std::max(known.sequence, sequence);
    return runs_backward;
  }
  account.producers[account.next++ % account.producers.size()] = {name_hash, sequence};
  return false;
}

}  // namespace tracking::cli
