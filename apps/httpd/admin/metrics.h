// `GET /metrics`: everything is counted elsewhere without locks, and added up here when it is asked for.
#pragma once

#include "server/listener.h"

#include <common/log.h>
#include <tracking/service.h>
#include <tracking/web.h>

#include <prometheus/collectable.h>

#include <memory>
#include <string>
#include <vector>

namespace tracking::httpd {

/// What is measured; all of it outlives the metrics.
struct Measured {
  TrackingService& service;
  const web::Ledger& ledger;
  const std::vector<std::unique_ptr<LoopMetrics>>& loops;
  const apps::Logger& logger;
};

/// Any thread.
class Metrics final : public prometheus::Collectable {
 public:
  explicit Metrics(const Measured& measured) : measured_(measured) {}

  std::vector<prometheus::MetricFamily> Collect() const override;
  /// In Prometheus' text format 0.0.4.
  std::string text() const;

 private:
  const Measured measured_;
};

}  // namespace tracking::httpd
