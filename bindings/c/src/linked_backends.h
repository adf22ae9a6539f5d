// The backends that libtracking_c was built with: every component of the build (written by bindings/c/CMakeLists.txt).
#pragma once

#include <tracking/backends.h>

namespace tracking::c {

Backends linked_backends();

}  // namespace tracking::c
