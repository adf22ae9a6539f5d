// A stranger's program that needs the core alone.
#include <tracking/tracking.h>

#include <iostream>

int main() {
  using namespace std::chrono_literals;
  auto service = tracking::TrackingService::open({.accounts = "memory:?active=1"}).value();
  auto subscriber = service->subscribe().value();
  if (!service->track({.account_id = 1, .data = "true"})) return 1;
  auto delivery = subscriber->next(10s);
  if (!delivery || !delivery->event()) return 1;
  std::cout << tracking::version() << ' ' << delivery->event()->data << '\n';
}
