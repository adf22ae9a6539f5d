// `memory:`: subscribers in this process, with a bounded history to resume from.
#pragma once

#include <tracking/backends.h>

#include <memory>

namespace tracking::memory {

/// How much history is held: the lines of the last events, in bytes.
inline constexpr std::size_t history_bytes_default = 64u << 20;

/// `memory:`, or `memory:?history=16MiB`.
Result<std::unique_ptr<Broker>> open_memory_broker(const BackendContext& context);

std::unique_ptr<Broker> make_memory_broker(std::size_t history_bytes_max, Clock& clock);

}  // namespace tracking::memory
