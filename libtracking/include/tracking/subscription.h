// The reading side: what can be asked for, what is delivered, and what a broker's subscription implements.
// Programs use Subscriber (subscriber.h); event loops and backends use Subscription.
#pragma once

#include <tracking/event.h>
#include <tracking/status.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tracking {

/// A position in the order of one log, stream or memory process, and enough of the event there to notice when the
/// position has come to mean something else. As text it is opaque: `c_...`.
struct Cursor {
  std::uint64_t incarnation = 0;  ///< which log, stream or memory run
  std::uint64_t position = 0;     ///< of the event; 0 = before the first
  Timestamp timestamp{};          ///< of the event, or of the position's making if there is no event
  std::uint64_t id_hash = 0;      ///< hash_id() of the event's id; 0 = no event stands here

  friend bool operator==(const Cursor&, const Cursor&) = default;
};

/// FNV-1a of an id, never 0.
TRACKING_EXPORT std::uint64_t hash_id(std::string_view id) noexcept;
/// "c_" and 48 characters of [A-Za-z0-9_-].
TRACKING_EXPORT std::string to_text(const Cursor& cursor);
/// Nothing if `text` is not what to_text() writes.
TRACKING_EXPORT std::optional<Cursor> parse_cursor(std::string_view text) noexcept;

/// Where a subscription starts: "now", "all", a cursor, an RFC 3339 time (inclusive), or a duration back from now
/// ("30s", "10m", "2h", "7d"). Kept as text and checked when the subscription is opened. Empty = now.
class Since {
 public:
  Since() = default;
  /// As text; nullptr = empty.
  ///@{
  Since(std::string text) : text_(std::move(text)) {}   // NOLINT(google-explicit-constructor)
  Since(std::string_view text) : text_(text) {}         // NOLINT(google-explicit-constructor)
  Since(const char* text) : text_(text ? text : "") {}  // NOLINT(google-explicit-constructor)
  ///@}
  /// As it was given.
  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

/// Since, understood.
struct StartPoint {
  /// Which of the forms it was.
  enum class Kind : std::uint8_t { now, all, cursor, time, unreadable_cursor };
  Kind kind = Kind::now;  ///< what the text was
  Cursor cursor{};        ///< of Kind::cursor
  Timestamp time{};       ///< of Kind::time
};

/// invalid_parameter if it is none of Since's forms; a text that begins with "c_" and is no cursor is
/// Kind::unreadable_cursor, which starts live after a gap. `now` is what durations count back from.
TRACKING_EXPORT Result<StartPoint> parse_since(const Since& since, Timestamp now) noexcept;

/// What to subscribe to.
struct SubscribeOptions {
  /// Empty = every account. Unknown accounts are no error.
  std::vector<AccountId> account_ids = {};
  Since since = {};  ///< where to start
  /// Start this many matching events back from the end of history instead (or from `since`, whichever is later).
  std::optional<std::uint64_t> tail = std::nullopt;
  /// False: end at the end of history.
  bool follow = true;
  /// End after this many events; 0 = never.
  std::uint64_t limit = 0;
  /// How many bytes of live events may wait for a slow reader before the oldest are dropped, which a gap tells.
  std::size_t buffer_bytes_max = 1 << 20;
};

/// The reasons that we give. Readers accept others.
namespace gap_reason {
inline constexpr std::string_view slow_subscriber = "slow-subscriber";  ///< it read more slowly than events came
inline constexpr std::string_view expired = "expired";                  ///< history does not reach so far back
inline constexpr std::string_view unknown_cursor = "unknown-cursor";    ///< the cursor is not of this history
inline constexpr std::string_view disconnected = "disconnected";        ///< the link to the broker was down
inline constexpr std::string_view sequence = "sequence";                ///< numbers of a producer are missing
inline constexpr std::string_view corrupt = "corrupt";                  ///< what was stored cannot be read
}  // namespace gap_reason

/// Events were missed here.
struct Gap {
  std::string reason = {};                             ///< one of gap_reason, or another
  std::optional<std::uint64_t> missed = std::nullopt;  ///< how many, if known
  std::optional<AccountId> account_id = std::nullopt;  ///< if a single account is meant
};

/// `{"gap":{"reason":"expired","missed":3}}`
TRACKING_EXPORT std::string to_json(const Gap& gap);

/// The members of an event line. Views into the line.
struct EventFields {
  std::string_view id = {};                             ///< the event's id
  AccountId account_id = 0;                             ///< whose event it is
  Timestamp timestamp{};                                ///< when the service accepted it
  std::optional<Timestamp> occurred_at = std::nullopt;  ///< when it happened, as the client said
  std::string_view producer = {};                       ///< empty if the line has none (another's message)
  std::uint64_t sequence = 0;                           ///< 0 if the line has none
  std::string_view data = {};                           ///< the JSON text of the value
};

/// Reads an event line (docs/HTTP.md "The event"). Nothing if it is none.
TRACKING_EXPORT std::optional<EventFields> parse_event_line(std::string_view line) noexcept;

/// One thing delivered, borrowed from the Deliveries that holds it.
struct DeliveryView {
  /// The event's line; empty for a gap.
  std::string_view json = {};
  AccountId account_id = 0;  ///< whose event it is
  /// Where the stream stands after this, if `cursor_text` is empty. For an event id_hash may be left 0: to_text()
  /// of a Deliveries item fills it in from the line.
  Cursor cursor{};
  /// The cursor as received from a distance, or empty.
  std::string_view cursor_text = {};
  const Gap* gap = nullptr;  ///< events were missed here; nullptr = it is an event
};

/// The cursor of a delivery, as text.
TRACKING_EXPORT std::string cursor_text(const DeliveryView& view);

/// A batch of deliveries, refilled by Subscription::read() without allocating once it has grown. The views in it are
/// valid until it is cleared, refilled or destroyed, also after the subscription is gone. One thread at a time.
class TRACKING_EXPORT Deliveries {
 public:
  Deliveries();
  ~Deliveries();
  Deliveries(Deliveries&&) noexcept;
  Deliveries& operator=(Deliveries&&) noexcept;

  /// Empties it, and lets go of what it holds.
  void clear() noexcept;
  /// A range of views.
  ///@{
  bool empty() const noexcept { return items_.empty(); }
  std::size_t size() const noexcept { return items_.size(); }
  const DeliveryView& operator[](std::size_t index) const noexcept { return items_[index]; }
  auto begin() const noexcept { return items_.begin(); }
  auto end() const noexcept { return items_.end(); }
  ///@}

  // For backends. What a view points to is kept alive by `keep`, or copied by `copy`.
  /// Adds a view; what it points to is kept alive by keep(), or copied by copy().
  void add(const DeliveryView& view) { items_.push_back(view); }
  /// Adds a gap that stands at `cursor` (or `cursor_text`, which is copied).
  void add_gap(Gap gap, const Cursor& cursor, std::string_view cursor_text = {});
  /// Holds the owner of bytes that views point to until the next clear().
  void keep(std::shared_ptr<const void> owner) {
    if (keep_.empty() || keep_.back() != owner) keep_.push_back(std::move(owner));
  }
  /// Takes out the items of which `is_unwanted` says true.
  template <class Predicate>
  void erase_if(Predicate is_unwanted) {
    std::erase_if(items_, is_unwanted);
  }
  /// A copy of `text` that lives until the next clear().
  std::string_view copy(std::string_view text);

 private:
  std::vector<DeliveryView> items_;
  std::vector<std::shared_ptr<const void>> keep_;
  std::deque<Gap> gaps_;
  std::deque<std::string> texts_;
};

/// Called when a subscription may have something again; from any thread, never with a lock of ours held. It must be
/// quick, must not throw, and must not destroy the subscription.
using Wake = std::function<void()>;

/// What Subscription::read() leaves behind.
enum class ReadState : std::uint8_t {
  more,   ///< there may be more at once
  idle,   ///< nothing more now: `wake` will be called once when there is
  ended,  ///< the end: of history (follow = false), of `limit`, or after close(); status() says why
};

/// A live subscription without a thread: the reader's event loop calls read() after each wake. read(), set_accounts()
/// and the destructor are called by one thread at a time. After the destructor returned, `wake` is not called again.
class TRACKING_EXPORT Subscription {
 public:
  Subscription() = default;
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  virtual ~Subscription();

  /// Clears `out` and fills it with at most `events_max` deliveries of about `bytes_max` bytes (at least one, if there
  /// is one). Never blocks. After `idle` the wake is armed, even if `out` is not empty.
  virtual ReadState read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept = 0;

  /// Changes the filter: empty = every account. Events of accounts that stay are neither lost nor repeated; accounts
  /// that are added begin with the events accepted from now on.
  virtual Status set_accounts(std::span<const AccountId> account_ids) noexcept = 0;

  /// The position after the last delivery read, as text; before the first, the position at which it started.
  virtual std::string cursor() const = 0;

  /// Ok, or why it ended before its end.
  virtual Status status() const;
};

}  // namespace tracking
