// The whole system in one process: accounts, service and subscriber.
#include <tracking/tracking.h>
#include <iostream>
int main() {
  using namespace std::chrono_literals;
  auto service = tracking::TrackingService::open({.accounts = "memory:?active=1,3"}).value();
  auto subscriber = service->subscribe({.account_ids = {1}}).value();
  auto receipt = service->track({.account_id = 1, .data = R"("foo")"});
  if (!receipt) {
    std::cerr << receipt.error().message() << '\n';
    return 1;
  }
  while (auto delivery = subscriber->next(100ms)) std::cout << delivery->json() << '\n';
}
