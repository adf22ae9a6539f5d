// error: ignoring return(ed)? value
#include <tracking/tracking.h>

void track(tracking::TrackingService& service) {
  if (!service.track({.account_id = 1, .data = "true"})) return;
#ifdef MISUSE
  service.track({.account_id = 1, .data = "true"});
#endif
}
