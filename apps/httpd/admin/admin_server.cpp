#include "admin_server.h"

#include "admin_connection.h"
#include "http_date.h"
#include "worker_pool.h"

#include <tracking/web.h>

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

namespace tracking::httpd {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t threads_max = 16;
constexpr int backlog = 128;
constexpr std::size_t requests_per_connection_max = 1000;
// Short, because an idle connection keeps a thread; a client that comes back later connects again.
constexpr auto idle_timeout = 5s;
constexpr auto head_timeout = 10s;
constexpr auto body_timeout = 10s;

/// The request that a thread is at. httplib's handlers get no word from process_request()'s caller, so it is here.
struct Exchange {
  const AdminRequestHead* head = nullptr;
  HeadFault fault;
  const AdminConnection* connection = nullptr;
  bool is_answered = false;
  bool must_close = true;  // until the whole request was read
};
thread_local Exchange* current = nullptr;

/// The method as httplib is told it: it must know which requests have a body, and which answers have none.
std::string_view plain_method(const AdminRequestHead& head) noexcept {
  if (head.method == "HEAD") return "HEAD";
  return head.content_length > 0 ? "POST" : "GET";
}

/// httplib parses a head of ours, never the visitor's: its own parser decodes percent signs in header values and takes
/// two lengths. It is told what it needs to read the body and to write the answer.
std::string prepared_head(const AdminRequestHead& head, bool is_faulty) {
  std::string text(is_faulty ? "GET" : plain_method(head));
  text += " / HTTP/1.1\r\n";
  if (!is_faulty) {
    if (head.content_length > 0) text += "Content-Length: " + std::to_string(head.content_length) + "\r\n";
    if (const auto accepted = head.field("Accept-Encoding")) {
      text +=
          "Accept-Encoding: " + std::string(accepted->find("gzip") != accepted->npos ? "gzip" : "identity") + "\r\n";
    }
    const auto expected = head.field("Expect");
    if (expected && equals_ignoring_case(*expected, "100-continue")) text += "Expect: 100-continue\r\n";
  }
  return text + "\r\n";
}

void write_answer(AdminAnswer answer, httplib::Response& response) {
  response.status = answer.status;
  response.body = std::move(answer.body);
  if (!answer.content_type.empty()) response.set_header("Content-Type", answer.content_type);
  for (const auto& [name, value] : answer.headers) response.set_header(name, value);
  current->is_answered = true;
}

}  // namespace

AdminAnswer AdminAnswer::json(int status, std::string body) {
  return {.status = status, .content_type = "application/json", .body = std::move(body), .headers = {}};
}

AdminAnswer AdminAnswer::problem(Code code, std::string_view detail) {
  AdminAnswer answer{
      .status = http_status(code), .content_type = std::string(web::problem_json), .body = {}, .headers = {}};
  web::append_problem(answer.body, code, detail);
  if (answer.status == 503) answer.headers.emplace_back("Retry-After", "1");
  return answer;
}

class AdminServer::Server final : public httplib::Server {
 public:
  explicit Server(AdminHandlers handlers);
  ~Server() override;

  Status bind_exclusively(const std::string& host, std::uint16_t port);
  std::uint16_t port() const noexcept { return port_; }
  void start();
  void stop_and_join();

 private:
  bool process_and_close_socket(socket_t socket) override;
  bool serve_one(AdminConnection& connection, bool is_last);
  HandlerResponse before_body(httplib::Response& response);
  void after_body(const httplib::Request& request, httplib::Response& response);
  void on_failure(httplib::Response& response);
  static void complete_headers(httplib::Response& response);
  bool is_stopping() const noexcept { return svr_sock_ == INVALID_SOCKET; }

  const AdminHandlers handlers_;
  const int stop_event_;
  const int crowded_event_;
  std::uint16_t port_ = 0;
  std::thread acceptor_;
};

AdminServer::Server::Server(AdminHandlers handlers)
    : handlers_(std::move(handlers)),
      stop_event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      crowded_event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) {
  new_task_queue = [this] { return new WorkerPool(threads_max, crowded_event_); };  // httplib owns it
  set_tcp_nodelay(true);
  set_keep_alive_max_count(requests_per_connection_max);
  set_keep_alive_timeout(std::chrono::seconds(idle_timeout).count());
  set_payload_max_length(admin_body_bytes_max);
  set_default_headers({{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}});
  set_pre_routing_handler(
      [this](const httplib::Request&, httplib::Response& response) { return before_body(response); });
  Post(".*", [this](const httplib::Request& request, httplib::Response& response) { after_body(request, response); });
  set_error_handler([this](const httplib::Request&, httplib::Response& response) { on_failure(response); });
  set_exception_handler([](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
    write_answer(AdminAnswer::problem(Code::internal, "the request could not be answered"), response);
  });
  set_post_routing_handler([](const httplib::Request&, httplib::Response& response) { complete_headers(response); });
}

AdminServer::Server::~Server() {
  stop_and_join();
  ::close(stop_event_);
  ::close(crowded_event_);
}

Status AdminServer::Server::bind_exclusively(const std::string& host, std::uint16_t port) {
  int listening = -1;
  // httplib's own option is SO_REUSEPORT, with which a second daemon would silently share the port.
  set_socket_options([&listening](socket_t socket) {
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    listening = socket;
  });
  errno = 0;
  const int bound = port == 0 ? bind_to_any_port(host) : (bind_to_port(host, port) ? port : -1);
  if (bound <= 0) {
    const int error = errno;
    return {Code::could_not_connect, "cannot listen on " + host + ":" + std::to_string(port) + " (--admin-listen): " +
                                         (error ? std::strerror(error) : "the host is not known")};
  }
  ::listen(listening, backlog);  // httplib's is 5
  port_ = static_cast<std::uint16_t>(bound);
  return {};
}

void AdminServer::Server::start() {
  acceptor_ = std::thread([this] { listen_after_bind(); });
  while (!is_running()) std::this_thread::yield();  // stop() does nothing before
}

void AdminServer::Server::stop_and_join() {
  if (!acceptor_.joinable()) return;
  stop();
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(stop_event_, &one, sizeof one);
  acceptor_.join();
}

bool AdminServer::Server::process_and_close_socket(socket_t socket) {
  AdminConnection connection(socket, stop_event_, crowded_event_);
  bool goes_on = true;
  for (std::size_t count = 1; goes_on && !is_stopping(); ++count) {
    if (!connection.wait_for_request(idle_timeout)) break;
    goes_on = serve_one(connection, count == requests_per_connection_max);
    if (!goes_on) connection.linger();
  }
  ::close(socket);
  return true;
}

bool AdminServer::Server::serve_one(AdminConnection& connection, bool is_last) {
  AdminRequestHead head;
  Exchange exchange;
  switch (connection.read_head(head_bytes_max, head_timeout)) {
    case AdminConnection::Head::whole:
      exchange.fault = parse_head(connection.head_bytes(), head);
      break;
    case AdminConnection::Head::too_large:
      exchange.fault = {Code::headers_too_large, "the request's head is larger than 16 KiB"};
      break;
    case AdminConnection::Head::timed_out:
      exchange.fault = {Code::request_timeout, "the request's head did not arrive within 10 s"};
      break;
    case AdminConnection::Head::closed:
      return false;
  }
  exchange.head = &head;
  exchange.connection = &connection;
  current = &exchange;
  const bool is_faulty = exchange.fault.code != Code::ok;
  connection.prepare(prepared_head(head, is_faulty), body_timeout);
  const bool closes = is_last || is_faulty || head.wants_close() || is_stopping();
  bool is_closed = false;
  const bool is_written = process_request(connection, closes, is_closed, nullptr);
  current = nullptr;
  return is_written && !closes && !exchange.must_close;
}

/// Refuses what needs no body to be refused, and answers requests without one.
httplib::Server::HandlerResponse AdminServer::Server::before_body(httplib::Response& response) {
  auto& exchange = *current;
  const auto& head = *exchange.head;
  if (exchange.fault.code != Code::ok) {
    write_answer(AdminAnswer::problem(exchange.fault.code, exchange.fault.what), response);
    return HandlerResponse::Handled;
  }
  exchange.must_close = head.content_length > 0;
  if (auto refusal = handlers_.refuse(head)) {
    write_answer(std::move(*refusal), response);
    return HandlerResponse::Handled;
  }
  if (head.content_length > 0) return HandlerResponse::Unhandled;
  write_answer(handlers_.answer({head, {}}), response);
  return HandlerResponse::Handled;
}

void AdminServer::Server::after_body(const httplib::Request& request, httplib::Response& response) {
  current->must_close = false;
  write_answer(handlers_.answer({*current->head, request.body}), response);
}

/// Called for every status from 400 on; what we answered ourselves stays.
void AdminServer::Server::on_failure(httplib::Response& response) {
  if (current->is_answered) return;
  auto answer = current->connection->has_timed_out()
                    ? AdminAnswer::problem(Code::request_timeout, "the body did not arrive within 10 s")
                    : AdminAnswer::problem(Code::bad_request, "the body did not arrive whole");
  write_answer(std::move(answer), response);
}

void AdminServer::Server::complete_headers(httplib::Response& response) {
  if (current->must_close && !response.has_header("Connection")) response.set_header("Connection", "close");
  if (response.has_header("Connection")) response.headers.erase("Keep-Alive");
  if (response.status == 204) response.headers.erase("Content-Length");  // RFC 9110, section 8.6
  response.headers.erase("Accept-Ranges");
  char date[64];
  response.set_header("Date", std::string(http_date(std::time(nullptr), date)));
}

AdminServer::AdminServer(std::unique_ptr<Server> server) : server_(std::move(server)) {}
AdminServer::~AdminServer() = default;

Result<std::unique_ptr<AdminServer>> AdminServer::bind(const std::string& host, std::uint16_t port,
                                                       AdminHandlers handlers) {
  auto server = std::make_unique<Server>(std::move(handlers));
  if (auto status = server->bind_exclusively(host, port); !status) return status;
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(server)));
}

std::uint16_t AdminServer::port() const noexcept { return server_->port(); }
void AdminServer::start() { server_->start(); }
void AdminServer::stop() { server_->stop_and_join(); }

}  // namespace tracking::httpd
