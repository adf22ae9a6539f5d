// The backends that this build links in.
#pragma once

#include <tracking/backends.h>

namespace tracking::httpd {

Backends linked_backends();

}  // namespace tracking::httpd
