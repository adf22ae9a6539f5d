// The events that `tracking-cli verify` sends: their ids say which they are, their data can be made again from the id.
#pragma once

#include <tracking/subscription.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tracking::cli {

/// Events of one lane (a sender with a connection of its own) for one account are numbered 1, 2, 3, ...
struct VerifyStream {
  std::uint32_t lane = 0;
  AccountId account_id = 0;
  friend auto operator<=>(const VerifyStream&, const VerifyStream&) = default;
};

/// What comes last in a stream, so that a receiver in another process knows what to expect.
struct VerifyEnd {
  std::uint64_t accepted = 0;  ///< 1 .. accepted were
  std::uint64_t streams = 0;   ///< how many there are in the run
};

struct VerifyEvent {
  enum class Kind : std::uint8_t { numbered, hello, end };
  Kind kind = Kind::numbered;
  VerifyStream stream = {};
  std::uint64_t number = 0;
  bool is_sent_again = false;  ///< this copy was not the sender's first attempt
  bool is_intact = true;       ///< its data is what the sender made, byte for byte
  VerifyEnd end = {};
};

/// 1 to 16 characters of [A-Za-z0-9_]: how the events of a run are told from others.
bool is_run_name(std::string_view text);
std::string make_run_name();

/// "RUN-LANE-ACCOUNT-NUMBER"; hellos and ends have "hNUMBER" and "end" there. At most 62 characters.
std::string verify_id(std::string_view run, VerifyEvent::Kind kind, VerifyStream stream, std::uint64_t number);

/// The smallest data_size that verify_data() can make.
inline constexpr std::size_t verify_data_bytes_min = 32;

/// `{"try":1,"pad":"..."}` of `bytes` bytes, filled by a hash of the id.
std::string verify_data(std::string_view id, std::size_t bytes);
std::string verify_end_data(const VerifyEnd& end);

/// Says in data made by the functions above which attempt it is: one digit, in place. Data is not part of an
/// event's identity, so a copy that was sent again can be told from the first.
void set_attempt(std::string& data, unsigned attempt);

/// Nothing if the event is not one of the run.
std::optional<VerifyEvent> parse_verify_event(std::string_view run, const EventFields& event);

}  // namespace tracking::cli
