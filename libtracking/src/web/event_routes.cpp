#include <charconv>
#include <thread>
#include <utility>

#include "codec/json.h"
#include "web/event_routes_impl.h"
#include "web/ndjson_intake_impl.h"
#include "web/problem.h"
#include "web/query.h"
#include "web/text.h"

namespace tracking::web {
namespace {

constexpr std::string_view json_type = "application/json";

/// The answer when there is no memory for another one. Nothing of the request was handed over.
constexpr Answer no_memory{
    .status = 503,
    .content_type = problem_json,
    .body = R"({"type":"overloaded","title":"Overloaded","status":503,"detail":"no memory; try again later"})",
    .retry_after = true};

/// The same, when events were handed over already.
constexpr Answer no_memory_to_tell{
    .status = 504,
    .content_type = problem_json,
    .body = R"({"type":"in-doubt","title":"In doubt","status":504,"detail":"no memory to tell what became of it"})"};

/// Enough for the answer to any single event, so that telling what became of it needs no memory.
constexpr std::size_t out_bytes_min = 1024;
constexpr std::size_t detail_bytes_min = 256;

bool is_array(std::span<const char> body) noexcept {
  for (const char c : body) {
    if (!is_json_space(c)) return c == '[';
  }
  return false;
}

std::string_view view(std::span<const char> body) noexcept { return {body.data(), body.size()}; }

std::string too_large_detail(std::string_view what, std::size_t bytes_max) {
  std::string detail(what);
  detail += " is longer than ";
  append_number(detail, bytes_max);
  detail += " bytes";
  return detail;
}

}  // namespace

EventRoutes::EventRoutes(Lane& lane, Ledger& ledger, TrackingService& service, Limits limits)
    : impl_(std::make_unique<Impl>(lane, ledger, service, limits)) {}

EventRoutes::~EventRoutes() = default;

void EventRoutes::post(Route route, const Request& request, Reply& reply) noexcept {
  Work* const work = impl_->take();
  if (!work) {
    refused(Code::overloaded);
    reply.answer(no_memory);
    return;
  }
  work->reply = &reply;
  try {
    impl_->post(*work, route, request);
  } catch (const std::exception&) {  // bad_alloc, before anything was handed over or counted
    refused(Code::overloaded);
    impl_->answer(*work, no_memory);
  }
}

std::unique_ptr<NdjsonIntake> EventRoutes::ndjson(std::string_view query, Reply& reply) {
  try {
    auto intake = NdjsonIntake::Impl::make(*impl_, query, &reply);
    return std::unique_ptr<NdjsonIntake>(new NdjsonIntake(std::move(intake)));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void EventRoutes::refused(Code code) noexcept {
  impl_->ledger.received();
  impl_->ledger.ended(code);
}

EventRoutes::Impl::Impl(Lane& its_lane, Ledger& its_ledger, TrackingService& service, const Limits& its_limits)
    : lane(its_lane),
      ledger(its_ledger),
      limits(its_limits),
      acks(service),
      batches(std::make_shared<LineBatchPool>()),
      gate(std::make_shared<LineGate>(
          LineGate::Load{its_limits.ndjson_together_max, its_limits.ndjson_together_bytes_max})) {}

EventRoutes::Impl::~Impl() {
  // All replies have come, but the thread that gave the last one may still be about to give its work back.
  for (;;) {
    while (free_) {
      Work* const work = free_;
      free_ = work->next;
      delete work;
      --created_;
    }
    if (created_ == 0) return;
    free_ = returned_.exchange(nullptr, std::memory_order_acquire);
    if (!free_) std::this_thread::yield();
  }
}

Work* EventRoutes::Impl::take() noexcept {
  if (!free_) free_ = returned_.exchange(nullptr, std::memory_order_acquire);
  if (Work* const work = free_) {
    free_ = work->next;
    return work;
  }
  try {
    auto work = std::make_unique<Work>();
    work->routes = this;
    work->out.reserve(out_bytes_min);
    work->detail.reserve(detail_bytes_min);
    ++created_;
    return work.release();
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void EventRoutes::Impl::give_back(Work& work) noexcept {
  // What a rare large request has made grow is not kept for the many small ones.
  constexpr std::size_t kept_events_max = 256;
  constexpr std::size_t kept_bytes_max = 64 * 1024;
  if (work.elements.capacity() > kept_events_max) {
    std::vector<codec::ArrayElement>().swap(work.elements);
    std::vector<Event>().swap(work.events);
    work.report = BatchReport(0);
  }
  if (work.text.capacity() > kept_bytes_max) std::string().swap(work.text);
  if (work.out.capacity() > kept_bytes_max) {
    work.out.resize(out_bytes_min);
    work.out.shrink_to_fit();
  }

  work.next = returned_.load(std::memory_order_relaxed);
  while (!returned_.compare_exchange_weak(work.next, &work, std::memory_order_release, std::memory_order_relaxed)) {
  }
}

// ---------------------------------------------------------------------------------------------------------------------

void EventRoutes::Impl::post(Work& work, Route route, const Request& request) {
  const BodyKind kind = body_kind(route, request.content_type);
  if (kind == BodyKind::unsupported) {
    refuse(work, Code::unsupported_type,
           "Content-Type must be application/json, application/x-ndjson, text/plain, "
           "application/x-www-form-urlencoded, or absent");
    return;
  }
  work.ack = AckLevel::broker_default;
  work.event = {};
  if (!read_query(work, route, request.query)) return;
  if (kind == BodyKind::ndjson) return post_lines(work, request.body);

  const std::size_t bytes_max = body_bytes_max(route, view(request.body), limits);
  if (request.body.size() > bytes_max) {
    refuse(work, Code::too_large, too_large_detail("the body", bytes_max));
  } else if (route == Route::account_events) {
    post_account(work, request);
  } else if (is_array(request.body)) {
    post_array(work, request.body);
  } else {
    post_single(work, request.body);
  }
}

bool EventRoutes::Impl::read_query(Work& work, Route route, std::string_view query) {
  if (query.empty()) return true;
  Code code = Code::ok;
  std::string detail;
  if (!read_ack(query, acks, work.ack, code, detail)) {
    refuse(work, code, detail);
    return false;
  }
  if (route != Route::account_events) return true;
  QueryReader parameters(query);
  bool has_id = false;
  const auto is_repeated = [&](std::string_view name, bool is_there) {
    if (is_there) refuse(work, Code::invalid_parameter, std::string(name) + ": must be given once at most");
    return is_there;
  };
  while (parameters.next()) {
    if (parameters.name() == "id") {
      if (is_repeated("id", std::exchange(has_id, true))) return false;
      if (!codec::is_event_id(parameters.value())) {
        refuse(work, Code::invalid_parameter, "id: must be 1 to 64 characters of A-Z a-z 0-9 . _ : -");
        return false;
      }
      work.id.assign(parameters.value());
      work.event.id = work.id.view();
    } else if (parameters.name() == "occurred_at") {
      if (is_repeated("occurred_at", work.event.occurred_at.has_value())) return false;
      work.event.occurred_at = codec::parse_rfc3339(with_plus_signs(parameters.value()));
      if (!work.event.occurred_at) {
        refuse(work, Code::invalid_parameter, "occurred_at: must be an RFC 3339 date-time");
        return false;
      }
    }
  }
  return true;
}

void EventRoutes::Impl::post_single(Work& work, std::span<char> body) {
  codec::DecodeFault fault;
  if (!codec::decode_event(body.data(), body.size(), limits.data_bytes_max, work.event, fault)) {
    refuse(work, fault.code, fault.detail());
    return;
  }
  track_single(work);
}

void EventRoutes::Impl::post_account(Work& work, const Request& request) {
  if (!read_account(work, request.path)) return;
  const std::string_view type = trim(request.content_type.substr(0, request.content_type.find(';')));
  const bool is_json = equals_ignoring_case(type, json_type);
  if (is_json ? !read_json_data(work, request.body) : !read_text_data(work, request.body)) return;
  if (work.event.data.json().size() > limits.data_bytes_max) {
    refuse(work, Code::too_large, too_large_detail("data", limits.data_bytes_max));
    return;
  }
  track_single(work);
}

bool EventRoutes::Impl::read_account(Work& work, std::string_view path) {
  const char* const end = path.data() + path.size();
  const auto [stop, error] = std::from_chars(path.data() + 1, end, work.event.account_id);
  if (error == std::errc() && stop == end && work.event.account_id >= 1) return true;
  refuse(work, Code::invalid_event, "account_id: must be an integer from 1 to 9223372036854775807");
  return false;
}

bool EventRoutes::Impl::read_json_data(Work& work, std::span<char> body) {
  while (!body.empty() && is_json_space(body.back())) body = body.first(body.size() - 1);
  std::size_t skipped = 0;
  while (skipped < body.size() && is_json_space(body[skipped])) ++skipped;
  body = body.subspan(skipped);

  codec::JsonTraits traits;
  codec::JsonFault fault;
  // As the event's data it would stand at the second level.
  if (!codec::validate_json(view(body), codec::nesting_max - 1, traits, fault)) {
    std::string detail = std::string("data: ") + fault.what + " (byte ";
    append_number(detail, skipped + fault.offset);
    refuse(work, Code::malformed_json, detail += ')');
    return false;
  }
  if (traits.has_line_breaks) {
    for (char& c : body) {
      if (c == '\n' || c == '\r') c = ' ';
    }
  }
  work.event.data = Data::trusted(view(body));
  return true;
}

bool EventRoutes::Impl::read_text_data(Work& work, std::span<char> body) {
  const std::size_t fault = find_utf8_fault(view(body));
  if (fault != std::string_view::npos) {
    std::string detail = "data: the body is not valid UTF-8 (byte ";
    append_number(detail, fault);
    refuse(work, Code::invalid_event, detail += ')');
    return false;
  }
  work.text.clear();
  codec::append_json_string(work.text, view(body));
  work.event.data = Data::trusted(work.text);
  return true;
}

void EventRoutes::Impl::track_single(Work& work) noexcept {
  ledger.received();
  lane.track(std::span(&work.event, 1),
             [&work](std::span<const Receipt> receipts) { work.routes->complete_single(work, receipts.front()); },
             {.ack = work.ack});
}

void EventRoutes::Impl::complete_single(Work& work, const Receipt& receipt) noexcept {
  const Code code = told_code(receipt.code);
  ledger.ended(code);
  std::string& out = work.out;
  out.clear();
  if (code != Code::ok) {
    work.detail.clear();
    append_receipt_detail(work.detail, code, work.event.account_id);
    answer_problem(work, code, work.detail, code == Code::in_doubt ? receipt.id.view() : std::string_view(),
                   receipt.timestamp);
    return;
  }
  out.append("{\"id\":\"").append(receipt.id.view()).append("\",\"timestamp\":\"");
  append_time(out, receipt.timestamp);
  out.append("\",\"ack\":\"").append(name(receipt.ack)).append(receipt.duplicate ? "\",\"duplicate\":true}" : "\"}");
  answer(work, {.status = 202, .content_type = json_type, .body = out});
}

// ---------------------------------------------------------------------------------------------------------------------

void EventRoutes::Impl::post_array(Work& work, std::span<char> body) {
  codec::DecodeFault fault;
  if (!codec::decode_event_array(body.data(), body.size(), limits.data_bytes_max, limits.array_events_max,
                                 work.elements, fault)) {
    refuse(work, fault.code, fault.detail());
    return;
  }
  work.events.clear();
  work.events.reserve(work.elements.size());
  work.report.clear(limits.array_events_max);
  if (work.elements.empty()) {
    count_no_event(ledger);
    return complete_array(work, {});
  }
  ledger.received(work.elements.size());
  for (const codec::ArrayElement& element : work.elements) {
    if (element.fault.code == Code::ok) {
      work.events.push_back(element.event);
    } else {
      ledger.ended(element.fault.code);
    }
  }
  if (work.events.empty()) return complete_array(work, {});
  lane.track(work.events, [&work](std::span<const Receipt> receipts) { work.routes->complete_array(work, receipts); },
             {.ack = work.ack, .stops_at_failure = true});
}

void EventRoutes::Impl::complete_array(Work& work, std::span<const Receipt> receipts) noexcept {
  if (receipts.size() < work.events.size()) {  // no memory for receipts: nothing was accepted
    ledger.ended(Code::overloaded, work.events.size());
    return answer(work, no_memory);
  }
  count_ended(ledger, receipts);
  try {
    report_array(work, receipts);
  } catch (const std::bad_alloc&) {
    answer(work, no_memory_to_tell);
    return;
  }
  const int status = work.report.status();
  answer(work, {.status = status, .content_type = json_type, .body = work.out, .retry_after = status == 503});
}

void EventRoutes::Impl::report_array(Work& work, std::span<const Receipt> receipts) {
  std::size_t next = 0;
  for (const codec::ArrayElement& element : work.elements) {
    if (element.fault.code != Code::ok) {
      work.report.add(element.fault);
      continue;
    }
    Receipt receipt = receipts[next++];
    receipt.code = told_code(receipt.code);
    work.report.add(receipt, element.event.account_id);
  }
  work.out.clear();
  work.report.append_json(work.out, work.ack == AckLevel::broker_default ? acks.by_default : work.ack);
}

void EventRoutes::Impl::post_lines(Work& work, std::span<char> body) {
  auto intake = NdjsonIntake::Impl::make(*this, {}, work.reply);
  intake->set_ack(work.ack);
  give_back(work);
  intake->feed(view(body));
  intake->finish(true);
}

// ---------------------------------------------------------------------------------------------------------------------

void EventRoutes::Impl::refuse(Work& work, Code code, std::string_view detail) noexcept {
  ledger.received();
  ledger.ended(code);
  answer_problem(work, code, detail);
}

void EventRoutes::Impl::answer_problem(Work& work, Code code, std::string_view detail, std::string_view id,
                                       Timestamp timestamp) noexcept {
  work.out.clear();
  append_problem(work.out, code, detail, id, timestamp);
  const int status = http_status(code);
  answer(work, {.status = status, .content_type = problem_json, .body = work.out, .retry_after = status == 503});
}

void EventRoutes::Impl::answer(Work& work, const Answer& answer) noexcept {
  work.reply->answer(answer);
  give_back(work);
}

}  // namespace tracking::web
