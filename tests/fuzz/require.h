// What a fuzz target claims about the code under test.
#pragma once

#include <cstdio>
#include <cstdlib>

/// Ends the process, which the fuzzer reports together with the input. Not an assert: those are off in release builds.
#define TRACKING_REQUIRE(claim)                                                  \
  do {                                                                           \
    if (!(claim)) {                                                              \
      std::fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #claim); \
      std::abort();                                                              \
    }                                                                            \
  } while (false)
