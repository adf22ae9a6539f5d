// `tracking-cli track -`: events from stdin, one a line.
#pragma once

#include "track_client.h"

namespace tracking::cli {

/// Returns the exit code.
int track_lines(const TrackSettings& settings);

/// Why an event was not accepted, and what to do about it, in one line.
std::string explain(Code code, AccountId account_id);

}  // namespace tracking::cli
