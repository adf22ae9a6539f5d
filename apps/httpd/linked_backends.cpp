#include "linked_backends.h"

#ifdef TRACKING_HAS_SQLITE
#include <tracking/sqlite.h>
#endif

namespace tracking::httpd {

Backends linked_backends() {
  Backends backends;
#ifdef TRACKING_HAS_SQLITE
  backends.add(sqlite());
#endif
  return backends;
}

}  // namespace tracking::httpd
