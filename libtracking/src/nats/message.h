// Messages that came from cnats.
#pragma once

#include <nats/nats.h>

#include <memory>

namespace tracking::nats_io {

/// natsMsg_Destroy() hands a message to a thread of cnats that frees it, and wakes that thread if it sleeps: a context
/// switch for each message, a quarter of what a JetStream event cost us. So messages are handed over many at a time;
/// each thread keeps up to 128 messages and 64 KiB until then. Any thread.
void let_go(natsMsg* message) noexcept;

struct MessageDeleter {
  void operator()(natsMsg* message) const noexcept { let_go(message); }
};
using Message = std::unique_ptr<natsMsg, MessageDeleter>;

}  // namespace tracking::nats_io
