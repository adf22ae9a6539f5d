// The backends that this build links in.
#pragma once

#include "settings.h"

#include <tracking/backends.h>

namespace tracking::httpd {

Backends linked_backends();

/// Whether these URLs name backends that are linked in, and whether the broker can keep the ack level; opens nothing on
/// disk or over a network.
Status check_backends(const Settings& settings);

}  // namespace tracking::httpd
