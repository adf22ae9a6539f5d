// What a client is told about an event that was not accepted.
#pragma once

#include <tracking/web.h>

#include <span>
#include <string>

namespace tracking::web {

/// The code that HTTP tells: those of an object's life (`closed`) have no meaning to a client, and become what it can
/// do about them.
Code told_code(Code code) noexcept;

/// One sentence on why the engine did not accept an event, and what to do about it.
void append_receipt_detail(std::string& out, Code code, AccountId account_id);

/// Counts events that the engine is done with.
void count_ended(Ledger& ledger, std::span<const Receipt> receipts) noexcept;

/// Counts a batch without an event: it was a request to an event route, and gave no event.
void count_no_event(Ledger& ledger) noexcept;

}  // namespace tracking::web
