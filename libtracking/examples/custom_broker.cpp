// A broker of one's own: one function, no registry.
#include <tracking/tracking.h>

#include <iostream>

struct StdoutBroker final : tracking::Broker {
  void publish(tracking::Lines lines, tracking::Completion done) noexcept override {
    for (auto& line : lines) std::cout << line.json << '\n';
    done.all(tracking::AckLevel::sent);
  }
};

int main() {
  const std::vector<tracking::Account> my_accounts{{.id = 1, .name = "Acme"}};
  auto service = tracking::TrackingService::open(my_accounts, std::make_unique<StdoutBroker>()).value();
  auto receipt = service->track({.account_id = 1, .data = R"({"page":"/pricing"})"});
  if (!receipt) {
    std::cerr << receipt.error().message() << '\n';
    return 1;
  }
}
