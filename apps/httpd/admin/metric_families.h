// Building prometheus-cpp's plain structures without ceremony.
#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tracking::httpd {

class MetricFamilies {
 public:
  /// A family without labels and its one sample.
  void counter(std::string name, std::string help, double value);
  void gauge(std::string name, std::string help, double value);

  /// Begins a family; add() adds samples to it.
  void begin(std::string name, std::string help, prometheus::MetricType type);
  void add(std::string_view label, std::string_view label_value, double value);
  prometheus::MetricFamily& family() { return families_.back(); }

  std::vector<prometheus::MetricFamily> take() { return std::move(families_); }

 private:
  std::vector<prometheus::MetricFamily> families_;
};

/// process_cpu_seconds_total, process_resident_memory_bytes, ... as every Prometheus client names them.
void add_process_metrics(MetricFamilies& families);

}  // namespace tracking::httpd
