#include "web/problem.h"

#include <tracking/web.h>

#include <array>

#include "web/text.h"

namespace tracking::web {

void append_problem(std::string& out, Code code, std::string_view detail, std::string_view id, Timestamp timestamp) {
  out.append("{\"type\":\"").append(name(code)).append("\",\"title\":\"").append(title(code)).append("\",\"status\":");
  append_number(out, static_cast<std::uint64_t>(http_status(code)));
  out += ",\"detail\":";
  codec::append_json_string(out, detail);
  if (!id.empty()) {
    out += ",\"id\":";
    codec::append_json_string(out, id);
    out += ",\"timestamp\":\"";
    append_time(out, timestamp);
    out += '"';
  }
  out += '}';
}

Code told_code(Code code) noexcept {
  switch (code) {
    case Code::closed:
      return Code::broker_unavailable;
    case Code::timed_out:
      return Code::in_doubt;
    case Code::unsupported:
      return Code::internal;
    default:
      return code;
  }
}

void append_receipt_detail(std::string& out, Code code, AccountId account_id) {
  const auto account = [&] {
    out += "account ";
    append_number(out, static_cast<std::uint64_t>(account_id));
  };
  switch (code) {
    case Code::unknown_account:
      account();
      out += " does not exist; add it with: tracking-cli accounts add ";
      append_number(out, static_cast<std::uint64_t>(account_id));
      out += " NAME";
      return;
    case Code::inactive_account:
      account();
      out += " is inactive; activate it with: tracking-cli accounts activate ";
      append_number(out, static_cast<std::uint64_t>(account_id));
      return;
    case Code::accounts_unavailable:
      account();
      out += " is not known here and the account repository does not answer; nothing was accepted, try again";
      return;
    case Code::broker_unavailable:
      out += "the broker takes no events at present; nothing was accepted, try again";
      return;
    case Code::overloaded:
      out += "too many events are waiting already; nothing was accepted, try again a little later";
      return;
    case Code::in_doubt:
      out += "the broker did not say whether it has the event; repeat it with this id, which doubles nothing";
      return;
    case Code::too_large:
      out += "the event is longer than the broker takes";
      return;
    case Code::ack_unavailable:
      out += "the broker does not give this ack level";
      return;
    case Code::invalid_event:
      out +=
          "the event is not valid: account_id is from 1 to 9223372036854775807, id is 1 to 64 of A-Z a-z 0-9 . _ : -";
      return;
    case Code::malformed_json:
      out += "data is not valid JSON";
      return;
    default:
      out += "the event was not accepted because of a mistake in the service";
      return;
  }
}

void count_ended(Ledger& ledger, std::span<const Receipt> receipts) noexcept {
  std::array<std::uint32_t, code_count> counts{};
  for (const Receipt& receipt : receipts) ++counts[static_cast<std::size_t>(told_code(receipt.code))];
  for (int code = 0; code < code_count; ++code) {
    if (counts[code] > 0) ledger.ended(static_cast<Code>(code), counts[code]);
  }
}

void count_no_event(Ledger& ledger) noexcept {
  ledger.received();
  ledger.ended(Code::invalid_event);
}

namespace {

/// How many bytes the character at `at` has; 0 if it is none. `left` bytes are there, at least one.
int utf8_size(const unsigned char* at, std::size_t left) noexcept {
  const unsigned char first = at[0];
  if (first < 0x80) return 1;
  const int size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || left < static_cast<std::size_t>(size)) return 0;
  for (int i = 1; i < size; ++i) {
    if ((at[i] & 0xC0) != 0x80) return 0;
  }
  const bool is_overlong = (first == 0xE0 && at[1] < 0xA0) || (first == 0xF0 && at[1] < 0x90);
  const bool is_surrogate = first == 0xED && at[1] > 0x9F;
  const bool is_too_large = first == 0xF4 && at[1] > 0x8F;
  return is_overlong || is_surrogate || is_too_large ? 0 : size;
}

}  // namespace

std::size_t find_utf8_fault(std::string_view text) noexcept {
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  for (std::size_t at = 0; at < text.size();) {
    const int size = utf8_size(bytes + at, text.size() - at);
    if (size == 0) return at;
    at += static_cast<std::size_t>(size);
  }
  return std::string_view::npos;
}

}  // namespace tracking::web
