#include "http/receipts.h"

#include "http/answers.h"

#include <algorithm>

namespace tracking::remote {
namespace {

// What a request without an answer of the server means.
Code code_of_silence(Reach reach) {
  switch (reach) {
    case Reach::no_connection:
    // An object or an array that did not arrive whole is not accepted (docs/HTTP.md), so a repeat is safe.
    case Reach::not_sent:
      return Code::broker_unavailable;
    case Reach::no_answer:
    case Reach::answered:
      break;
  }
  return Code::in_doubt;
}

bool is_answered(const Answer& answer) { return answer.reach == Reach::answered && answer.is_whole; }
bool is_success(int status) { return status >= 200 && status < 300; }

void fail(Receipt& receipt, Code code) {
  receipt.code = code;
  if (code != Code::in_doubt) receipt.id.clear();
}

void accept(Receipt& receipt, AckLevel ack, bool is_duplicate) {
  receipt.code = Code::ok;
  receipt.ack = ack;
  receipt.duplicate = is_duplicate;
}

void read_batch(const BatchAnswer& answer, std::span<Receipt* const> receipts) {
  const std::size_t stopped_at = std::min(answer.stopped_at.value_or(receipts.size()), receipts.size());
  for (std::size_t i = 0; i < receipts.size(); ++i) {
    // A batch says how many were repeats and not which: only "all of them" tells something of each.
    if (i < stopped_at) accept(*receipts[i], answer.ack, answer.duplicates > 0 && answer.duplicates == answer.accepted);
  }
  for (const auto& rejection : answer.rejected) {
    if (rejection.index < receipts.size()) fail(*receipts[rejection.index], rejection.code);
  }
  for (std::size_t i = stopped_at; i < receipts.size(); ++i) fail(*receipts[i], answer.stopped_by);

  // An answer that contradicts itself promises nothing.
  const auto is_accepted = [](const Receipt* receipt) { return receipt->code == Code::ok; };
  if (static_cast<std::uint64_t>(std::count_if(receipts.begin(), receipts.end(), is_accepted)) == answer.accepted)
    return;
  for (Receipt* receipt : receipts) {
    if (is_accepted(receipt)) fail(*receipt, Code::in_doubt);
  }
}

}  // namespace

void read_receipt(const Answer& answer, Receipt& receipt) {
  if (!is_answered(answer)) return fail(receipt, code_of_silence(answer.reach));
  if (!is_success(answer.status)) return fail(receipt, parse_problem(answer).code);
  const auto accepted = parse_event_answer(answer.body);
  if (!accepted) return fail(receipt, Code::in_doubt);  // somebody said yes, but not our server
  receipt.id.assign(accepted->id);
  receipt.timestamp = accepted->timestamp;
  accept(receipt, accepted->ack, accepted->is_duplicate);
}

bool read_receipts(const Answer& answer, std::span<Receipt* const> receipts) {
  const auto fail_all = [&](Code code) {
    for (Receipt* receipt : receipts) fail(*receipt, code);
  };
  if (!is_answered(answer)) {
    fail_all(code_of_silence(answer.reach));
    return true;
  }
  if (const auto batch = parse_batch_answer(answer.body)) {  // 202 and 422; others have problem documents
    read_batch(*batch, receipts);
    return true;
  }
  if (is_success(answer.status)) {
    fail_all(Code::in_doubt);
    return true;
  }
  const Code code = parse_problem(answer).code;
  if (code == Code::malformed_json || code == Code::invalid_event || code == Code::too_large) return false;
  fail_all(code);
  return true;
}

}  // namespace tracking::remote
