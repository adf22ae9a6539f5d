// What an answer, or its absence, means for each event of a request.
#pragma once

#include "http/connection.h"

#include <tracking/event.h>

#include <span>

namespace tracking::remote {

/// Sets the receipt of a request that carried one event as an object. Its id is set already.
void read_receipt(const Answer& answer, Receipt& receipt);

/// Sets the receipts of a request that carried an array; their ids are set already. False: the server refused the array
/// as a whole for what may be a single event's fault, and accepted nothing: send them one by one.
bool read_receipts(const Answer& answer, std::span<Receipt* const> receipts);

}  // namespace tracking::remote
