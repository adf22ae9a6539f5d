// --healthcheck: for container runtimes, which have no curl.
#pragma once

#include "settings.h"

namespace tracking::httpd {

/// Asks the /readyz of the daemon that listens on settings.listen; 0 = ready, 1 = not, with the reason on stderr.
int run_healthcheck(const Settings& settings);

}  // namespace tracking::httpd
