#include "server/loop.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>

namespace tracking::httpd {
namespace {

namespace asio = boost::asio;

/// Read at once: a request's head and most bodies, and no more than a connection may hold beside its body.
constexpr std::size_t receive_bytes = 32 * 1024;
/// The output buffer is given back when an answer has made it larger than this.
constexpr std::size_t output_kept_bytes = 256 * 1024;

}  // namespace

Loop::Loop(Shared& shared, LoopMetrics& metrics)
    : shared_(shared),
      io_(std::make_shared<asio::io_context>(1)),
      work_(io_->get_executor()),
      timer_(*io_),
      wheel_(std::chrono::steady_clock::now()),
      receive_buffer_(receive_bytes) {
  auto inbox = std::make_shared<Inbox>([this, io = io_] {
    // The handler runs only while the loop does.
    asio::post(*io, [this] {
      context_->tick();
      context_->inbox->deliver();
      end_if_done();
    });
  });
  context_.emplace(shared, metrics, std::move(inbox));
}

Loop::~Loop() = default;

void Loop::join() {
  if (thread_.joinable()) thread_.join();
}

bool Loop::has_come_round() noexcept {
  if (!pulse_.has_arrived.exchange(false)) return false;
  context_->inbox->push(pulse_);
  return true;
}

void Loop::start() {
  thread_ = std::thread([this] { run(); });
}

void Loop::run() noexcept {
  pthread_setname_np(pthread_self(), "http-loop");
  context_->adopt_thread();
  io_->run();
}

// --- Connections -----------------------------------------------------------------------------------------------------

void Loop::adopt(int descriptor, Connection::Peer peer) {
  asio::post(*io_, [this, descriptor, peer] { take(descriptor, peer); });
}

void Loop::take(int descriptor, Connection::Peer peer) noexcept {
  LoopMetrics& metrics = context_->metrics;
  if (is_stopping_) {
    ::close(descriptor);
    shared_.connection_closed();
    return;
  }
  context_->tick();
  try {
    asio::ip::tcp::socket socket(*io_);
    boost::system::error_code error;
    socket.assign(asio::ip::tcp::v4(), descriptor, error);  // the protocol is told for the option types alone
    if (error) throw boost::system::system_error(error);
    socket.native_non_blocking(true, error);
    auto* const made = new Socket(*this, std::move(socket), peer);
    made->next_ = first_;
    if (first_) first_->previous_ = made;
    first_ = made;
    ++sockets_;
    add(metrics.connections, 1);
    arm_timer();
    if (is_draining_) made->begin_drain();
    made->start();
  } catch (const std::exception&) {
    ::close(descriptor);
    shared_.connection_closed();
  }
}

void Loop::release(Socket& socket) noexcept {
  (socket.previous_ ? socket.previous_->next_ : first_) = socket.next_;
  if (socket.next_) socket.next_->previous_ = socket.previous_;
  // It may be in the middle of a call.
  asio::post(*io_, [this, &socket] {
    context_->tick();
    std::replace(ready_.begin(), ready_.end(), &socket, static_cast<Socket*>(nullptr));
    std::replace(running_.begin(), running_.end(), &socket, static_cast<Socket*>(nullptr));
    delete &socket;
    --sockets_;
    add(context_->metrics.connections, -1);
    shared_.connection_closed();
    end_if_done();
  });
}

void Loop::make_ready(Socket& socket) noexcept {
  if (socket.is_ready_) return;
  socket.is_ready_ = true;
  ready_.push_back(&socket);
  if (ready_.size() == 1) asio::post(*io_, [this] { run_ready(); });
}

void Loop::run_ready() noexcept {
  context_->tick();
  running_.swap(ready_);
  for (std::size_t i = 0; i < running_.size(); ++i) {
    Socket* const socket = running_[i];
    if (!socket) continue;
    socket->is_ready_ = false;
    socket->advance();
  }
  running_.clear();
  if (output_.capacity() > output_kept_bytes) std::string().swap(output_);
}

// --- Time ------------------------------------------------------------------------------------------------------------

void Loop::arm_timer() {
  if (is_timer_armed_ || sockets_ == 0) return;
  is_timer_armed_ = true;
  timer_.expires_after(TimingWheel::tick);
  timer_.async_wait([this](const boost::system::error_code& error) {
    is_timer_armed_ = false;
    if (error) return;
    context_->tick();
    wheel_.sweep(context_->now());
    arm_timer();
  });
}

// --- The end ---------------------------------------------------------------------------------------------------------

template <class Function>
void Loop::for_each_socket(Function function) noexcept {
  for (Socket* socket = first_; socket;) {
    Socket* const next = socket->next_;  // the function may take it out of the list
    function(*socket);
    socket = next;
  }
}

void Loop::begin_drain() {
  asio::post(*io_, [this] {
    is_draining_ = true;
    for_each_socket([](Socket& socket) { socket.begin_drain(); });
  });
}

void Loop::close_idle() {
  asio::post(*io_, [this] {
    context_->tick();
    for_each_socket([](Socket& socket) { socket.end_when_idle(); });
  });
}

void Loop::end_streams() {
  asio::post(*io_, [this] {
    context_->are_streams_ending = true;
    context_->tick();
    for_each_socket([](Socket& socket) { socket.end_stream(); });
  });
}

void Loop::cut_connections() {
  asio::post(*io_, [this] { for_each_socket([](Socket& socket) { socket.close(); }); });
}

void Loop::stop() {
  asio::post(*io_, [this] {
    is_stopping_ = true;
    for_each_socket([](Socket& socket) { socket.close(); });
    end_if_done();
  });
}

void Loop::end_if_done() noexcept {
  if (is_stopping_ && sockets_ == 0 && context_->exchanges.taken() == 0) io_->stop();
}

}  // namespace tracking::httpd
