// Our routes inside an HTTP server of your own: here cpp-httplib's, beside a route that is none of ours.
//
//   mount_http [PORT]     (without: any free port; it is printed)
//   curl -d '{"account_id":1,"data":"foo"}' http://127.0.0.1:PORT/v1/events
//   curl -N 'http://127.0.0.1:PORT/v1/events?since=all'
#include <httplib.h>
#include <tracking/tracking.h>
#include <tracking/web.h>

#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <mutex>

using namespace std::chrono_literals;
namespace web = tracking::web;

namespace {

/// Waits for the answer: here each request has a thread. An event loop would write it out instead.
class WaitingReply final : public web::Reply {
 public:
  explicit WaitingReply(httplib::Response& response) : response_(response) {}
  void answer(const web::Answer& answer) noexcept override {
    response_.status = answer.status;
    response_.set_content(answer.body.data(), answer.body.size(), std::string(answer.content_type));
    if (answer.retry_after) response_.set_header("Retry-After", "1");
    const std::lock_guard lock(mutex_);
    is_answered_ = true;
    answered_.notify_one();  // with the lock held: once wait() returns, this object may be gone
  }
  void wait() {
    std::unique_lock lock(mutex_);
    answered_.wait(lock, [this] { return is_answered_; });
  }

 private:
  httplib::Response& response_;
  std::mutex mutex_;
  std::condition_variable answered_;
  bool is_answered_ = false;
};

std::string_view query_of(const httplib::Request& request) {
  const auto question_mark = request.target.find('?');
  return question_mark == std::string::npos ? std::string_view()
                                            : std::string_view(request.target).substr(question_mark + 1);
}

/// POST: one event, an array, NDJSON, or the data of one account.
class Events {
 public:
  explicit Events(tracking::TrackingService& service) : lane_(service.lane()), routes_(*lane_, ledger_, service) {}

  void operator()(const httplib::Request& request, httplib::Response& response) {
    std::string body = request.body;  // decoded in place
    const std::string content_type = request.get_header_value("Content-Type");
    std::string_view allow;
    WaitingReply reply(response);
    {
      const std::lock_guard one_at_a_time(mutex_);  // held while the event is handed over, not until it is stored
      routes_.post(web::find_route(request.method, request.path, allow),
                   {.method = request.method,
                    .path = request.path,
                    .query = query_of(request),
                    .content_type = content_type,
                    .body = body},
                   reply);
    }
    reply.wait();
  }

 private:
  std::unique_ptr<tracking::Lane> lane_;
  web::Ledger ledger_;
  std::mutex mutex_;
  web::EventRoutes routes_;
};

void answer_problem(httplib::Response& response, const tracking::Status& why) {
  std::string problem;
  web::append_problem(problem, why.code(), why.message());
  response.status = tracking::http_status(why.code());
  response.set_content(problem, std::string(web::problem_json));
}

/// GET: the live stream.
void stream(tracking::TrackingService& service, const httplib::Request& request, httplib::Response& response) {
  auto asked = web::parse_stream_request(query_of(request), request.get_header_value("Accept"),
                                         request.get_header_value("Last-Event-ID"), tracking::Clock::system().now());
  if (!asked) return answer_problem(response, asked.error());
  auto opened = service.subscribe(asked->options);
  if (!opened) return answer_problem(response, opened.error());

  const std::shared_ptr<tracking::Subscriber> subscriber = std::move(*opened);
  response.set_header("Tracking-Cursor", subscriber->cursor());
  const auto write = [subscriber, is_sse = asked->is_sse](std::size_t offset, httplib::DataSink& sink) {
    std::string bytes;
    if (is_sse && offset == 0) {
      web::append_sse_opening(bytes, subscriber->cursor());
    } else {
      subscriber->next_batch(15s, [&](const tracking::Deliveries& deliveries) {
        for (const auto& delivery : deliveries) {
          is_sse ? web::append_sse(bytes, delivery) : web::append_ndjson(bytes, delivery);
        }
      });
    }
    if (bytes.empty() && subscriber->is_ended()) {
      if (!subscriber->status()) return false;  // cut off: the reader must see that not all of it came
      return sink.done(), true;
    }
    if (bytes.empty() && is_sse) web::append_sse_heartbeat(bytes, subscriber->cursor());
    if (bytes.empty()) bytes = "\n";
    return sink.write(bytes.data(), bytes.size());
  };
  response.set_chunked_content_provider(asked->is_sse ? "text/event-stream" : "application/x-ndjson", write);
}

}  // namespace

int main(int argc, char** argv) {
  const auto service = tracking::TrackingService::open({.accounts = "memory:?active=1,3"}).value();
  Events events(*service);
  const auto post = [&](const auto& request, auto& response) { events(request, response); };

  httplib::Server server;
  server.Get("/hello",
             [](const auto&, auto& response) { response.set_content("a route of your own\n", "text/plain"); });
  server.Post("/v1/events", post);
  server.Post(R"(/\d{1,19})", post);
  server.Get("/v1/events", [&](const auto& request, auto& response) { stream(*service, request, response); });

  int port = argc > 1 ? std::atoi(argv[1]) : 0;
  const bool is_bound =
      port > 0 ? server.bind_to_port("127.0.0.1", port) : (port = server.bind_to_any_port("127.0.0.1")) > 0;
  if (!is_bound) {
    std::cerr << "port " << port << " is taken\n";
    return 1;
  }
  std::cout << "http://127.0.0.1:" << port << std::endl;
  return server.listen_after_bind() ? 0 : 1;
}
