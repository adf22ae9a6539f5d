#include "http/connection.h"

#include "codec/no_memory.h"

#include <tracking/version.h>

#include <fcntl.h>
#include <httplib.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>

namespace tracking::remote {
namespace {

constexpr std::size_t body_bytes_max = 8u << 20;  // the longest answer of our server lists 1,000 accounts in about 1 MB

// A server closes idle connections after 65 s (docs/HTTP.md). We give ours up long before, because a request that
// meets a connection being closed would be in doubt.
constexpr auto idle_reuse_max = std::chrono::seconds(20);

// cpp-httplib writes without MSG_NOSIGNAL, and a library must not let a peer that went away kill its program: SIGPIPE
// is blocked for the calling thread, and one that our write raised is taken before it is unblocked.
class SigpipeGuard {
 public:
  SigpipeGuard() noexcept {
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  ~SigpipeGuard() {
    if (!was_pending_) {
      const timespec at_once{};
      while (sigtimedwait(&sigpipe_, nullptr, &at_once) < 0 && errno == EINTR) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SigpipeGuard(const SigpipeGuard&) = delete;
  SigpipeGuard& operator=(const SigpipeGuard&) = delete;

 private:
  bool was_pending_ = false;
  sigset_t sigpipe_;
  sigset_t before_;
};

// A second descriptor of the socket in use. cpp-httplib's stop() waits while it connects, and its descriptor may be
// closed and given to another file at any moment; through one of our own, shutdown() is always safe and at once.
class SocketHandle {
 public:
  ~SocketHandle() { set(-1); }

  void set(int socket) noexcept {
    const int copy = socket < 0 ? -1 : fcntl(socket, F_DUPFD_CLOEXEC, 0);
    const std::lock_guard lock(mutex_);
    if (copy_ >= 0) ::close(copy_);
    copy_ = copy;
  }

  void shut_down() noexcept {
    const std::lock_guard lock(mutex_);
    if (copy_ >= 0) ::shutdown(copy_, SHUT_RDWR);
  }

 private:
  std::mutex mutex_;
  int copy_ = -1;  // guarded by mutex_
};

// Makes connect() on this descriptor fail at once: it becomes one of no socket.
void make_unconnectable(int socket) noexcept {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return;
  ::dup2(null, socket);
  ::close(null);
}

std::string lower_media_type(const std::string& value) {
  std::string type = value.substr(0, value.find(';'));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(), [](unsigned char c) { return std::tolower(c); });
  return type;
}

std::chrono::seconds parse_retry_after(const std::string& value) {
  const bool is_number = !value.empty() && value.size() <= 4 &&
                         std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
  return std::chrono::seconds(is_number ? std::stoi(value) : 0);
}

httplib::Request make_request(Request&& from) {
  httplib::Request request;
  request.method = std::move(from.method);
  request.path = std::move(from.path);
  request.headers.emplace("Accept", std::move(from.accept));
  request.headers.emplace("User-Agent", "tracking/" + std::string(version()));
  if (!from.content_type.empty()) request.headers.emplace("Content-Type", std::move(from.content_type));
  if (!from.token.empty()) request.headers.emplace("Authorization", "Bearer " + from.token);
  request.body = std::move(from.body);
  return request;
}

}  // namespace

struct Connection::Impl {
  Impl(const Address& to, const ConnectionOptions& with_options, std::function<bool()> wanted)
      : address(to), options(with_options), is_wanted(std::move(wanted)) {}

  bool is_open() const { return client && client->is_socket_open(); }
  std::unique_ptr<httplib::ClientImpl> make_client();
  void exchange(Request&& request, Answer& answer, BodySink* sink);
  void send(httplib::Request& request, Answer& answer, BodySink* sink);
  std::string connect_failure(httplib::Error error) const;

  const Address address;
  const ConnectionOptions options;
  const std::function<bool()> is_wanted;
  SocketHandle handle;
  bool has_address = false;  // the host's name was resolved; used by the exchanging thread
  std::chrono::steady_clock::time_point last_used{};
  std::unique_ptr<httplib::ClientImpl> client;  // made when it is needed; used by the exchanging thread
};

std::unique_ptr<httplib::ClientImpl> Connection::Impl::make_client() {
  auto made = std::make_unique<httplib::ClientImpl>(address.host, address.port);
  made->set_connection_timeout(options.connect_timeout);
  made->set_read_timeout(options.read_timeout);
  made->set_write_timeout(options.read_timeout);
  made->set_keep_alive(options.is_reused);
  made->set_tcp_nodelay(true);
  made->set_url_encode(false);
  made->set_decompress(false);
  made->set_socket_options([this](int socket) {
    has_address = true;
    handle.set(socket);
    if (is_wanted && !is_wanted()) make_unconnectable(socket);
  });
  return made;
}

std::string Connection::Impl::connect_failure(httplib::Error error) const {
  if (!has_address) return "the host's name is not known";
  if (error == httplib::Error::ConnectionTimeout) return "no connection within its time";
  return "connection refused or unreachable";
}

void Connection::Impl::exchange(Request&& request, Answer& answer, BodySink* sink) {
  const auto now = std::chrono::steady_clock::now();
  if (!client) client = make_client();
  if (client->is_socket_open() && now - last_used > idle_reuse_max) client->stop();
  has_address = false;
  auto made = make_request(std::move(request));
  send(made, answer, sink);
  last_used = std::chrono::steady_clock::now();
}

void Connection::Impl::send(httplib::Request& request, Answer& answer, BodySink* sink) {
  bool is_sunk = false;
  request.response_handler = [&](const httplib::Response& head) {
    answer.reach = Reach::answered;
    answer.status = head.status;
    answer.content_type = lower_media_type(head.get_header_value("Content-Type"));
    answer.retry_after = parse_retry_after(head.get_header_value("Retry-After"));
    is_sunk = sink && head.status == 200;
    return !is_sunk || sink->begin(answer);
  };
  request.content_receiver = [&](const char* bytes, std::size_t size, std::uint64_t, std::uint64_t) {
    if (is_sunk) return sink->take({bytes, size});
    if (answer.body.size() + size > body_bytes_max) return false;
    answer.body.append(bytes, size);
    return true;
  };
  httplib::Response response;
  auto error = httplib::Error::Success;
  const bool is_ok = client->send(request, response, error);
  if (is_ok && response.status == 204) {  // has no body, so the handler above is not called
    answer.reach = Reach::answered;
    answer.status = response.status;
  }
  if (is_ok) {
    // A body that only the connection's end delimits may have been cut.
    answer.is_whole =
        response.status == 204 || response.has_header("Transfer-Encoding") || response.has_header("Content-Length");
    if (!answer.is_whole) answer.reason = "the connection was closed";
  } else if (answer.reach == Reach::answered) {
    answer.reason =
        error == httplib::Error::Canceled ? "it was not read to its end" : "the connection was lost or silent";
  } else if (error == httplib::Error::Read) {
    answer.reach = Reach::no_answer;
    answer.reason = "the connection was closed, or silent for too long, before an answer came";
  } else if (error == httplib::Error::Write) {
    answer.reach = Reach::not_sent;
    answer.reason = "the connection was lost while sending";
  } else {
    answer.reach = Reach::no_connection;
    answer.reason = connect_failure(error);
  }
}

Connection::Connection(const Address& address, const ConnectionOptions& options, std::function<bool()> is_wanted)
    : impl_(std::make_unique<Impl>(address, options, std::move(is_wanted))) {}

Connection::~Connection() = default;

Answer Connection::exchange(Request request, BodySink* sink) noexcept {
  const SigpipeGuard guard;
  Answer answer;
  bool is_done = false;
  try {
    impl_->exchange(std::move(request), answer, sink);
    is_done = true;
  } catch (const std::bad_alloc&) {
    answer.lacks_memory = true;
    answer.reason = "no memory";  // short enough to need none
  } catch (const std::exception& error) {
    if (!has_memory_for([&] { answer.reason = error.what(); })) answer.reason = "an exception";
  }
  if (!is_done) {
    // What was sent before is not known here.
    if (answer.reach == Reach::no_connection) answer.reach = Reach::no_answer;
    answer.is_whole = false;
    // cpp-httplib would send the next request over the same socket, on which the rest of this one's answer comes.
    impl_->client.reset();
  }
  if (!impl_->options.is_reused || !impl_->is_open()) impl_->handle.set(-1);
  return answer;
}

void Connection::interrupt() noexcept { impl_->handle.shut_down(); }

}  // namespace tracking::remote
