#include <tracking/nats.h>

#include "nats/broker.h"

namespace tracking {

Backend nats() { return {.schemes = {"nats", "tls"}, .broker = nats_io::open_nats_broker}; }

}  // namespace tracking
