// The inside of EventRoutes: pooled work, so that a request costs no allocation.
#pragma once

#include <tracking/web.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "codec/event_decoder.h"
#include "web/ack_levels.h"
#include "web/batch_report.h"
#include "web/line_batch.h"
#include "web/line_gate.h"

namespace tracking::web {

/// One request in progress. Owned by its routes; whoever completes it gives it back.
struct Work {
  EventRoutes::Impl* routes = nullptr;
  Work* next = nullptr;
  Reply* reply = nullptr;

  AckLevel ack = AckLevel::broker_default;
  Event event;
  EventId id;        // of the query
  std::string text;  // data made from a text body

  std::vector<codec::ArrayElement> elements;
  std::vector<Event> events;  // those of `elements` that could be read
  BatchReport report{0};

  std::string detail;  // of a problem
  std::string out;     // the answer's body
};

struct EventRoutes::Impl {
  Impl(Lane& lane, Ledger& ledger, TrackingService& service, const Limits& limits);
  ~Impl();

  /// nullptr = no memory.
  Work* take() noexcept;
  /// Any thread. The work must not be touched afterwards.
  void give_back(Work& work) noexcept;

  void post(Work& work, Route route, const Request& request);
  void post_single(Work& work, std::span<char> body);
  void post_array(Work& work, std::span<char> body);
  void post_account(Work& work, const Request& request);
  void post_lines(Work& work, std::span<char> body);
  bool read_query(Work& work, Route route, std::string_view query);
  bool read_account(Work& work, std::string_view path);
  bool read_json_data(Work& work, std::span<char> body);
  bool read_text_data(Work& work, std::span<char> body);

  void track_single(Work& work) noexcept;
  void complete_single(Work& work, const Receipt& receipt) noexcept;
  void complete_array(Work& work, std::span<const Receipt> receipts) noexcept;
  void report_array(Work& work, std::span<const Receipt> receipts);

  /// Ends a request that yielded no event: counts it and answers with a problem.
  void refuse(Work& work, Code code, std::string_view detail) noexcept;
  /// Answers with a problem, and gives the work back.
  void answer_problem(Work& work, Code code, std::string_view detail, std::string_view id = {},
                      Timestamp timestamp = {}) noexcept;
  void answer(Work& work, const Answer& answer) noexcept;

  Lane& lane;
  Ledger& ledger;
  const Limits limits;
  const AckLevels acks;
  std::shared_ptr<LineBatchPool> batches;
  std::shared_ptr<LineGate> gate;

 private:
  Work* free_ = nullptr;                   // the owning thread's
  std::atomic<Work*> returned_ = nullptr;  // pushed by any thread, taken whole by the owner
  std::size_t created_ = 0;
};

}  // namespace tracking::web
