// error: (use of deleted function|call to (deleted|implicitly-deleted))
#include <tracking/subscriber.h>

#include <utility>

tracking::Delivery keep(tracking::Delivery delivery) {
#ifdef MISUSE
  tracking::Delivery kept = delivery;
#else
  tracking::Delivery kept = std::move(delivery);
#endif
  return kept;
}
