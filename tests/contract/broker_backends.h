// The broker backends that run the contract suite. A new backend is a line here and a maker.
#pragma once

#include <tracking/broker.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tracking::test {

struct BrokerBackend {
  std::string name;
  std::function<std::unique_ptr<Broker>()> make;
};

std::vector<BrokerBackend> broker_backends();

}  // namespace tracking::test
