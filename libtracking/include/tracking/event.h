// What callers hand in, and what they get back for it.
#pragma once

#include <tracking/code.h>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tracking {

/// 1 .. 2^63-1.
using AccountId = std::int64_t;

/// UTC, in microseconds since 1970-01-01.
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

/// What was promised about an accepted event. A broker never answers stronger than what happened.
enum class AckLevel : std::uint8_t {
  broker_default = 0,  ///< in a request: the strongest that the broker gives
  sent = 1,            ///< handed to the broker: at most once
  stored = 2,          ///< on stable storage
};

/// "sent", "stored"; "default" for broker_default.
TRACKING_EXPORT std::string_view name(AckLevel level) noexcept;

/// The JSON text of one value, borrowed: it must outlive the call, and in the asynchronous
/// form the completion. It is validated (RFC 8259, UTF-8, depth) unless it is `trusted`.
class Data {
 public:
  constexpr Data() noexcept = default;
  /// Borrows the text.
  ///@{
  constexpr Data(std::string_view json) noexcept : json_(json) {}  // NOLINT(google-explicit-constructor)
  constexpr Data(const char* json) noexcept : json_(json) {}       // NOLINT(google-explicit-constructor)
  Data(const std::string& json) noexcept : json_(json) {}          // NOLINT(google-explicit-constructor)
  ///@}

  /// The caller vouches that `json` is one valid JSON value in UTF-8 without raw line breaks.
  /// A false promise reaches every subscriber.
  static constexpr Data trusted(std::string_view json) noexcept {
    Data data(json);
    data.trusted_ = true;
    return data;
  }

  /// The JSON text.
  constexpr std::string_view json() const noexcept { return json_; }
  /// Whether the caller vouches for it.
  constexpr bool is_trusted() const noexcept { return trusted_; }

 private:
  std::string_view json_;
  bool trusted_ = false;
};

/// One event to track. Everything is borrowed, see Data.
struct Event {
  AccountId account_id = 0;  ///< who tracks it
  Data data = {};            ///< the JSON text of one value
  /// The caller's own id, `[A-Za-z0-9._:-]{1,64}`; empty = the service makes a UUIDv7. (account_id, id) is the
  /// idempotency key.
  std::string_view id = {};
  std::optional<Timestamp> occurred_at = std::nullopt;  ///< when it happened, as the client says
};

/// An event's id, held in place: at most 64 characters, no allocation.
class EventId {
 public:
  static constexpr std::size_t bytes_max = 64;  ///< the longest id

  EventId() noexcept : size_(0) {}
  /// Precondition: text.size() <= bytes_max.
  explicit EventId(std::string_view text) noexcept { assign(text); }

  /// Precondition: text.size() <= bytes_max.
  void assign(std::string_view text) noexcept {
    size_ = static_cast<std::uint8_t>(text.size());
    std::memcpy(bytes_, text.data(), text.size());
  }
  /// Sets its size, and returns where its characters are to be written. Precondition: size <= bytes_max.
  char* prepare(std::size_t size) noexcept {
    size_ = static_cast<std::uint8_t>(size);
    return bytes_;
  }
  /// Makes it empty.
  void clear() noexcept { size_ = 0; }
  /// The id; valid while this lives and is not assigned to.
  ///@{
  std::string_view view() const noexcept { return {bytes_, size_}; }
  operator std::string_view() const noexcept { return view(); }  // NOLINT(google-explicit-constructor)
  ///@}
  /// True if there is none.
  bool empty() const noexcept { return size_ == 0; }

 private:
  char bytes_[bytes_max];  // not initialised beyond size_: receipts are made by the million
  std::uint8_t size_;
};

/// What became of one event.
struct Receipt {
  Code code = Code::internal;               ///< ok, or why it was not accepted
  AckLevel ack = AckLevel::broker_default;  ///< the level reached, if code is ok
  bool duplicate = false;                   ///< its key was accepted before; `timestamp` is the first answer's
  EventId id = {};                          ///< set if code is ok or in_doubt
  Timestamp timestamp{};                    ///< when it was accepted, if code is ok or in_doubt
};

/// Gets one receipt for each event of the batch, in its order. It runs exactly once, on whatever thread completes the
/// batch, maybe before track() returns, and must not throw or block. The receipts are valid during the call. If there
/// is no memory for them, a batch gets none at all: nothing of it was accepted (`overloaded`).
class ReceiptHandler : public std::function<void(std::span<const Receipt>)> {
 public:
  /// None; track() must be given one.
  ///@{
  ReceiptHandler() noexcept = default;
  ReceiptHandler(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor)
  ///@}
  /// A class of its own for this constraint: std::function's makes clang 14 give up on track(events, {.ack = ...}).
  template <class Handler>
  requires(!std::derived_from<std::remove_cvref_t<Handler>, ReceiptHandler> &&
           std::invocable<std::remove_cvref_t<Handler>&, std::span<const Receipt>>)
      ReceiptHandler(Handler&& handler)  // NOLINT(google-explicit-constructor, bugprone-forwarding-reference-overload)
      : function(std::forward<Handler>(handler)) {}
};

}  // namespace tracking
