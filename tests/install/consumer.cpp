// A stranger's program: the core, and one name of each component, so that all of them are really linked.
#include <tracking/file.h>
#include <tracking/http.h>
#include <tracking/nats.h>
#include <tracking/postgres.h>
#include <tracking/sqlite.h>
#include <tracking/testing.h>
#include <tracking/tracking.h>

#include <iostream>

int main() {
  using namespace std::chrono_literals;
  const tracking::Backends backends{tracking::file(), tracking::http(), tracking::nats(), tracking::postgres(),
                                    tracking::sqlite()};
  tracking::testing::ManualClock clock;
  auto service = tracking::TrackingService::open({.accounts = "memory:?active=1", .clock = &clock}, backends).value();
  auto subscriber = service->subscribe().value();
  auto receipt = service->track({.account_id = 1, .data = R"({"from":"outside"})"});
  if (!receipt) {
    std::cerr << receipt.error().message() << '\n';
    return 1;
  }
  auto delivery = subscriber->next(10s);
  if (!delivery || !delivery->event()) return 1;
  std::cout << tracking::version() << ' ' << delivery->event()->data << '\n';
}
