// Posting, and what must hold for every answer.
#include "faults/simulation/post.h"

#include <algorithm>

namespace tracking::simulation {
namespace {

using namespace std::chrono_literals;

std::string text(std::uint64_t number) { return std::to_string(number); }

}  // namespace

void World::TapLane::track(std::span<const Event> events, ReceiptHandler done, TrackOptions options) noexcept {
  lane_->track(
      events,
      [this, events, done = std::move(done)](std::span<const Receipt> receipts) {
        for (std::size_t i = 0; i < receipts.size(); ++i) {
          Tracked& tracked = world_.tracked_[serial_of(events[i].data.json()) - 1];
          ++tracked.receipts;
          tracked.receipt = receipts[i];
          try {
            world_.check_receipt(tracked);
          } catch (const Broken& broken) {
            if (world_.broken_.empty()) world_.broken_ = broken.what();
          }
        }
        done(receipts);
      },
      options);
}

void World::post() {
  const std::size_t lane = random_.below(lanes_.size());
  Post& post = *posts_.emplace_back(std::make_unique<Post>());
  const bool is_lines = post.is_lines = random_.chance(20);
  const std::size_t events = random_.chance(40) ? 1 : random_.between(1, 20);
  post.body = body_of(events, lane, post);
  if (is_lines) {
    std::replace(post.body.begin(), post.body.end(), '[', ' ');
    std::replace(post.body.begin(), post.body.end(), ']', ' ');
    for (std::size_t at = 0; (at = post.body.find("}},{", at)) != std::string::npos;) post.body[at + 2] = '\n';
  }
  constexpr std::string_view queries[] = {"", "ack=sent", "ack=stored"};
  routes_[lane]->post(web::Route::events,
                      {.method = "POST",
                       .path = "/",
                       .query = queries[random_.below(3)],
                       .content_type = is_lines ? "application/x-ndjson" : "application/json",
                       .body = post.body},
                      post);
  if (random_.chance(60)) look_up(true);
  journal_.note("post " + text(post.serials.front()) + ".." + text(post.serials.back()) + " on lane " + text(lane) +
                ": " + text(static_cast<std::uint64_t>(post.status)));
}

std::string World::body_of(std::size_t events, std::size_t lane, Post& post) {
  std::string body = events == 1 && random_.chance(50) ? "" : "[";
  const bool is_array = !body.empty();
  for (std::size_t i = 0; i < events; ++i) {
    Tracked& tracked = tracked_.emplace_back();
    tracked.serial = tracked_.size();
    tracked.account_id = pick_account();
    tracked.lane = lane;
    tracked.posted = now_;
    tracked.id = pick_id(tracked.account_id);
    post.serials.push_back(tracked.serial);
    if (i > 0) body += ",";
    body += "{\"account_id\":" + text(static_cast<std::uint64_t>(tracked.account_id));
    if (!tracked.id.empty()) body += ",\"id\":\"" + tracked.id + "\"";
    body += ",\"data\":{\"n\":" + text(tracked.serial) + ",\"x\":\"" +
            std::string(random_.below(padding_bytes_max_), 'x') + "\"}}";
  }
  return is_array ? body + "]" : body;
}

/// None, one of a few that clients use again and again, or one of a former event of the account.
std::string World::pick_id(AccountId account_id) {
  if (random_.chance(70)) return "";
  if (random_.chance(50)) return "own-" + text(random_.below(8));
  if (tracked_.size() < 2) return "";
  const Tracked& other = tracked_[random_.below(tracked_.size() - 1)];
  const bool is_recent = now_ - other.posted <= options_.duplicate_window / 2;
  return other.account_id == account_id && other.receipts > 0 && is_recent ? std::string(other.receipt.id.view()) : "";
}

// --- What must hold --------------------------------------------------------------------------------------------------

/// The engine hands an event to the broker: it has decided that the account may track.
void World::accepted(const Line& line) {
  Tracked& tracked = tracked_[serial_of(line.json) - 1];
  const AccountId id = tracked.account_id;
  auto& last = last_accepted_[{tracked.lane, id}];
  if (tracked.serial <= last && broken_.empty()) broken_ = "event " + text(tracked.serial) + " was overtaken";
  last = tracked.serial;
  tracked.accepted = now_;
  tracked.jumps_before = jumps_;
  const auto here = administered_.find(id);
  const std::size_t first = here == administered_.end() ? 0 : here->second;
  if (!truth_->had(id, AccountState::active, promise(now_), now_, first) && broken_.empty())
    broken_ = "event " + text(tracked.serial) + " was accepted for account " + text(static_cast<std::uint64_t>(id)) +
              ", which had not been active for longer than is promised";
}

/// From when on the state of an account counts for what is answered at `at`.
Time World::promise(Time at) const {
  if (last_trouble_ >= 0ns && at - last_trouble_ <= 1s) return at - options_.account_stale_max - 2s;
  const bool is_watched = watched_since_ >= 0ns && now_ - last_poll_ <= 100ms;
  if (is_watched && at - watched_since_ >= 1s) return at - 1s;
  return at - options_.account_ttl - 1s;
}

void World::check_receipt(Tracked& tracked) {
  const Receipt& receipt = tracked.receipt;
  const std::string event = "event " + text(tracked.serial) + " (" + std::string(name(receipt.code)) + ") ";
  expect(tracked.receipts == 1, event + "was answered twice");
  const bool is_stored = log_->has(tracked.serial);
  switch (receipt.code) {
    case Code::ok:
      expect(receipt.duplicate || is_stored, event + "was never stored");
      expect(!receipt.duplicate || !is_stored, event + "is a repeat, and was stored");
      if (receipt.duplicate) {
        check_duplicate(tracked);
      } else {
        expect(receipt.ack == log_->level(tracked.serial), event + "was promised more than happened");
      }
      break;
    case Code::in_doubt:
      break;
    case Code::inactive_account:
    case Code::unknown_account: {
      expect(!is_stored, event + "was stored");
      const auto state = receipt.code == Code::inactive_account ? AccountState::inactive : AccountState::unknown;
      const Time from = std::min(promise(tracked.posted), promise(now_));
      expect(truth_->had(tracked.account_id, state, from, now_), event + "was refused by a guess");
      break;
    }
    case Code::accounts_unavailable:
      expect(was_in_trouble(tracked.posted - 2s), event + "though the repository answered");
      [[fallthrough]];
    default:
      expect(!is_stored, event + "was stored");
  }
  if (!tracked.id.empty() && !receipt.id.empty())
    expect(receipt.id.view() == tracked.id, event + "came back with another id");
  tracked.id = receipt.id.view();
}

/// Its key was accepted before, at the time that it says.
void World::check_duplicate(const Tracked& tracked) {
  const bool is_known = std::any_of(tracked_.begin(), tracked_.end(), [&](const Tracked& other) {
    return other.account_id == tracked.account_id && other.id == tracked.receipt.id.view() &&
           other.serial != tracked.serial && log_->has(other.serial);
  });
  expect(is_known, "event " + text(tracked.serial) + " with id " + std::string(tracked.receipt.id.view()) +
                       " was taken for a repeat of one that was never accepted");
}

void World::check_ledger() {
  const auto reading = ledger_.read();
  std::uint64_t sum = reading.accepted + reading.in_flight;
  for (const auto& [type, count] : reading.rejected) sum += count;
  for (const auto& [type, count] : reading.failed) sum += count;
  expect(reading.received == sum, "the ledger does not add up: " + ledger_.json());
}

void World::check_at_rest() {
  expect(broken_.empty(), broken_);
  expect(log_->complaint().empty(), log_->complaint());
  std::uint64_t accepted = 0;
  std::uint64_t received = 0;
  for (const auto& post : posts_) {
    expect(post->answers == 1, "a request was answered " + text(static_cast<std::uint64_t>(post->answers)) + " times");
    const bool has_stopped = post->status >= 500 || post->body_answered.find("\"stopped_at\"") != std::string::npos;
    received += post->serials.size();
    for (const std::uint64_t serial : post->serials) {
      const Tracked& tracked = tracked_[serial - 1];
      // Lines behind a stop are not handed over.
      expect(
          tracked.receipts == 1 || (tracked.receipts == 0 && post->is_lines && has_stopped),
          "event " + text(serial) + " was answered " + text(static_cast<std::uint64_t>(tracked.receipts)) + " times");
      accepted += tracked.receipts > 0 && tracked.receipt.code == Code::ok;
      received -= tracked.receipts == 0;
    }
  }
  check_ledger();
  const auto reading = ledger_.read();
  expect(reading.in_flight == 0, "events are in flight at rest: " + ledger_.json());
  expect(reading.received == received, "the ledger has not counted every event: " + ledger_.json());
  expect(reading.accepted == accepted, "the ledger has not accepted what was: " + ledger_.json());
  // A key is stored once within its window. (A jump of the wall clock is an age for an id that the service gave.)
  std::map<std::pair<AccountId, std::string>, const Tracked*> first;
  for (const Tracked& tracked : tracked_) {
    if (tracked.receipts == 0 || tracked.receipt.code != Code::ok || tracked.receipt.duplicate) continue;
    const Tracked*& before = first[{tracked.account_id, tracked.id}];
    const bool is_repeat = before && tracked.accepted - before->accepted < options_.duplicate_window &&
                           tracked.jumps_before == before->jumps_before;
    expect(!is_repeat, "event " + text(tracked.serial) + " is a repeat of event " + text(before ? before->serial : 0) +
                           " and was stored, too");
    before = &tracked;
  }
}

}  // namespace tracking::simulation
