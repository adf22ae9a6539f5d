#include "contract/broker_backends.h"

#include <tracking/backends.h>
#include <tracking/testing.h>

namespace tracking::test {
namespace {

std::unique_ptr<Broker> open(const std::string& url) {
  return Backends().open_broker({.url = BackendUrl::parse(url).value()}).value();
}

}  // namespace

std::vector<BrokerBackend> broker_backends() {
  return {
      {"memory", [] { return open("memory:"); }},
      {"faulty_pass_through",
       [] { return std::make_unique<testing::FaultyBroker>(open("memory:"), std::make_shared<testing::Faults>()); }},
  };
}

}  // namespace tracking::test
