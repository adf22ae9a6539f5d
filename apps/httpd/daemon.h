// The daemon: a service, the public and the admin listener over it, from start to drain.
#pragma once

#include "settings.h"

namespace tracking::httpd {

/// Runs until SIGTERM or SIGINT; returns the process's exit code. Failures at the start are logged.
int run_daemon(const Settings& settings);

}  // namespace tracking::httpd
