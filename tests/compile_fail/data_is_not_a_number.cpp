// error: (no matching function|could not convert|cannot convert|no viable conversion)
#include <tracking/event.h>

tracking::Event event() {
#ifdef MISUSE
  return {.account_id = 1, .data = 42};
#else
  return {.account_id = 1, .data = "42"};
#endif
}
