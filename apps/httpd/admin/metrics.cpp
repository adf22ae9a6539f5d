#include "metrics.h"

#include "metric_families.h"

#include <tracking/version.h>

#include <prometheus/text_serializer.h>

#include <limits>
#include <sstream>

namespace tracking::httpd {
namespace {

using prometheus::MetricType;

double as_double(std::uint64_t value) noexcept { return static_cast<double>(value); }

double read(const std::atomic<std::uint64_t>& counter) noexcept {
  return as_double(counter.load(std::memory_order_relaxed));
}

/// In the order of LoopMetrics::gaps_missed.
constexpr std::array<std::string_view, 7> gap_reasons{gap_reason::slow_subscriber,
                                                      gap_reason::expired,
                                                      gap_reason::unknown_cursor,
                                                      gap_reason::disconnected,
                                                      gap_reason::sequence,
                                                      gap_reason::corrupt,
                                                      "other"};

/// Adds up what the loops count.
class Loops {
 public:
  explicit Loops(const std::vector<std::unique_ptr<LoopMetrics>>& loops) : loops_(loops) {}

  double sum(std::atomic<std::uint64_t> LoopMetrics::*counter) const noexcept {
    double total = 0;
    for (const auto& loop : loops_) total += read((*loop).*counter);
    return total;
  }
  double answers(int code) const noexcept {
    double total = 0;
    for (const auto& loop : loops_) total += read(loop->answers_by_code[static_cast<std::size_t>(code)]);
    return total;
  }
  double missed(std::size_t reason) const noexcept {
    double total = 0;
    for (const auto& loop : loops_) total += read(loop->gaps_missed[reason]);
    return total;
  }
  prometheus::ClientMetric histogram(Histogram LoopMetrics::*member) const;

 private:
  const std::vector<std::unique_ptr<LoopMetrics>>& loops_;
};

prometheus::ClientMetric Loops::histogram(Histogram LoopMetrics::*member) const {
  prometheus::ClientMetric metric;
  auto& result = metric.histogram;
  std::uint64_t cumulative = 0;
  for (std::size_t bucket = 0; bucket <= Histogram::bounds_seconds.size(); ++bucket) {
    for (const auto& loop : loops_) {
      cumulative += ((*loop).*member).counts[bucket].load(std::memory_order_relaxed);
    }
    const bool is_last = bucket == Histogram::bounds_seconds.size();
    const double bound = is_last ? std::numeric_limits<double>::infinity() : Histogram::bounds_seconds[bucket];
    result.bucket.push_back({cumulative, bound});
  }
  result.sample_count = cumulative;
  for (const auto& loop : loops_) result.sample_sum += read(((*loop).*member).sum_ns) / 1e9;
  return metric;
}

/// What became of events, from one reading of the ledger: its equation holds in every scrape.
void add_events(MetricFamilies& families, const web::Ledger::Reading& ledger) {
  families.begin("tracking_events_total", "Events that came to their end, by what became of them.",
                 MetricType::Counter);
  families.add("outcome", "accepted", as_double(ledger.accepted));
  for (int number = static_cast<int>(Code::malformed_json); number <= static_cast<int>(Code::in_doubt); ++number) {
    // The usual outcomes are shown from the start, so that a rate can be taken of their first occurrence.
    const auto outcome = name(static_cast<Code>(number));
    const auto rejected = ledger.rejected.find(outcome);
    const auto failed = ledger.failed.find(outcome);
    const auto count = (rejected == ledger.rejected.end() ? 0 : rejected->second) +
                       (failed == ledger.failed.end() ? 0 : failed->second);
    families.add("outcome", outcome, as_double(count));
  }
  for (const auto* outcomes : {&ledger.rejected, &ledger.failed}) {
    for (const auto& [outcome, count] : *outcomes) {
      if (code_from_name(outcome) > Code::in_doubt) families.add("outcome", outcome, as_double(count));
    }
  }
  families.counter("tracking_events_received_total", "Events that arrived, whatever became of them.",
                   as_double(ledger.received));
  families.gauge("tracking_events_in_flight", "Events that have not come to their end yet.",
                 as_double(ledger.in_flight));
}

prometheus::ClientMetric histogram(const AccountChangeDelays& delays) {
  prometheus::ClientMetric metric;
  auto& result = metric.histogram;
  for (std::size_t bucket = 0; bucket < delays.counts.size(); ++bucket) {
    const bool is_last = bucket == delays.bounds.size();
    result.sample_count += delays.counts[bucket];
    result.bucket.push_back({result.sample_count, is_last ? std::numeric_limits<double>::infinity()
                                                          : static_cast<double>(delays.bounds[bucket].count()) / 1e6});
  }
  result.sample_sum = static_cast<double>(delays.total.count()) / 1e9;
  return metric;
}

void add_accounts(MetricFamilies& families, const ServiceStats& stats) {
  families.begin("tracking_account_lookups_total", "Events by how their account was known.", MetricType::Counter);
  families.add("result", "hit", as_double(stats.lookups_hit - std::min(stats.lookups_hit, stats.lookups_stale)));
  families.add("result", "stale", as_double(stats.lookups_stale));
  families.add("result", "miss", as_double(stats.lookups_missed));
  families.add("result", "failed", as_double(stats.lookups_failed));
  families.begin("tracking_account_change_seconds",
                 "How long changes of accounts took from being told to being in force here.", MetricType::Histogram);
  families.family().metric.push_back(histogram(stats.account_change_delays));
  families.counter("tracking_account_changes_total", "Changes of accounts seen.", as_double(stats.account_changes));
  families.counter("tracking_account_queries_total", "Queries to the accounts' store.",
                   as_double(stats.repository_queries));
  families.gauge("tracking_accounts_cached", "Accounts in the cache, unknown ones included.",
                 as_double(stats.accounts_cached));
  families.gauge("tracking_events_parked", "Events that wait for their account.", as_double(stats.events_parked));
}

void add_broker(MetricFamilies& families, const ServiceStats& stats) {
  families.gauge("tracking_events_pending", "Events handed to the broker without an outcome yet.",
                 as_double(stats.events_pending));
  families.counter("tracking_duplicate_events_total", "Accepted events whose key had been accepted before.",
                   as_double(stats.duplicates));
  families.counter("tracking_broker_connects_total", "Links made to a broker elsewhere, the first one included.",
                   as_double(stats.broker.connects));
  families.counter("tracking_broker_full_total", "Events that the broker refused because it is full.",
                   as_double(stats.broker.refused_full));
  families.counter("tracking_broker_ack_timeouts_total", "Events in doubt: the broker did not answer in time.",
                   as_double(stats.broker.acks_timed_out));
  families.counter("tracking_foreign_messages_total", "Messages at the broker that are no events, and were skipped.",
                   as_double(stats.broker.foreign_messages));
  families.gauge("tracking_history_events", "Events that an in-process broker holds.",
                 as_double(stats.broker.history_events));
  families.gauge("tracking_history_bytes", "Bytes of events that an in-process broker holds.",
                 as_double(stats.broker.history_bytes));
}

void add_streams(MetricFamilies& families, const Loops& loops) {
  families.gauge("tracking_subscribers", "Open streams.", loops.sum(&LoopMetrics::subscribers));
  families.counter("tracking_delivered_events_total", "Events handed to subscribers' sockets.",
                   loops.sum(&LoopMetrics::delivered));
  families.begin("tracking_missed_events_total", "Events that subscribers were told to have missed.",
                 MetricType::Counter);
  for (std::size_t reason = 0; reason < gap_reasons.size(); ++reason) {
    families.add("reason", gap_reasons[reason], loops.missed(reason));
  }
  families.begin("tracking_delivery_seconds", "From an event's timestamp to a subscriber's socket.",
                 MetricType::Histogram);
  families.family().metric.push_back(loops.histogram(&LoopMetrics::delivery_seconds));
}

void add_http(MetricFamilies& families, const Loops& loops, std::size_t loop_count) {
  families.begin("tracking_request_seconds", "From a request's head to its answer, event routes only.",
                 MetricType::Histogram);
  families.family().metric.push_back(loops.histogram(&LoopMetrics::request_seconds));
  families.counter("tracking_http_requests_total", "Requests to the public listener.",
                   loops.sum(&LoopMetrics::requests));
  families.begin("tracking_http_answers_total", "Answers of the public listener: ok, or the problem's type.",
                 MetricType::Counter);
  for (int code = 0; code < code_count; ++code) {
    const auto count = loops.answers(code);
    if (code == 0 || count > 0) families.add("type", name(static_cast<Code>(code)), count);
  }
  families.gauge("tracking_http_connections", "Open connections of the public listener.",
                 loops.sum(&LoopMetrics::connections));
  families.counter("tracking_http_connections_accepted_total", "Connections accepted.",
                   loops.sum(&LoopMetrics::connections_accepted));
  families.counter("tracking_http_connections_refused_total", "Connections closed because of a limit.",
                   loops.sum(&LoopMetrics::connections_refused));
  families.counter("tracking_http_received_bytes_total", "Bytes read by the public listener.",
                   loops.sum(&LoopMetrics::bytes_in));
  families.counter("tracking_http_sent_bytes_total", "Bytes written by the public listener.",
                   loops.sum(&LoopMetrics::bytes_out));
  families.gauge("tracking_http_body_bytes", "Bytes of request bodies held.", loops.sum(&LoopMetrics::body_bytes));
  families.gauge("tracking_http_event_loops", "Event loops.", as_double(loop_count));
}

}  // namespace

void MetricFamilies::begin(std::string name, std::string help, MetricType type) {
  auto& family = families_.emplace_back();
  family.name = std::move(name);
  family.help = std::move(help);
  family.type = type;
}

void MetricFamilies::add(std::string_view label, std::string_view label_value, double value) {
  auto& metric = families_.back().metric.emplace_back();
  if (!label.empty()) metric.label.push_back({std::string(label), std::string(label_value)});
  if (families_.back().type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
}

void MetricFamilies::counter(std::string name, std::string help, double value) {
  begin(std::move(name), std::move(help), MetricType::Counter);
  add({}, {}, value);
}

void MetricFamilies::gauge(std::string name, std::string help, double value) {
  begin(std::move(name), std::move(help), MetricType::Gauge);
  add({}, {}, value);
}

std::vector<prometheus::MetricFamily> Metrics::Collect() const {
  MetricFamilies families;
  const auto stats = measured_.service.stats();
  const auto readiness = measured_.service.readiness();
  const Loops loops(measured_.loops);

  add_events(families, measured_.ledger.read());
  add_streams(families, loops);
  add_accounts(families, stats);
  add_broker(families, stats);
  families.begin("tracking_ready", "1 if the dependency answers.", MetricType::Gauge);
  families.add("dependency", "accounts", readiness.accounts.is_ok() ? 1 : 0);
  families.add("dependency", "broker", readiness.broker.is_ok() ? 1 : 0);
  add_http(families, loops, measured_.loops.size());
  families.counter("tracking_log_suppressed_total", "Log records not written because of their limits.",
                   as_double(measured_.logger.suppressed()));
  families.begin("tracking_build_info", "Always 1; the version is in the label.", MetricType::Gauge);
  families.add("version", version(), 1);
  add_process_metrics(families);
  return families.take();
}

std::string Metrics::text() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, Collect());
  return out.str();
}

}  // namespace tracking::httpd
