// Our options as cnats wants them.
#pragma once

#include "nats/link.h"
#include "nats/options.h"

namespace tracking::nats_io {

/// Reads the files that hold secrets. The result connects to `server`, once, for at most two seconds.
Result<NatsOptions> make_nats_options(const Options& options, const std::string& server);

}  // namespace tracking::nats_io
