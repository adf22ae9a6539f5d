#include "server/loop.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace tracking::httpd {
namespace {

/// Read at once: a request's head and most bodies, and no more than a connection may hold beside its body.
constexpr std::size_t receive_bytes = 32 * 1024;
/// The output buffer is given back when an answer has made it larger than this.
constexpr std::size_t output_kept_bytes = 256 * 1024;

}  // namespace

Loop::Loop(Shared& shared, LoopMetrics& metrics)
    : shared_(shared),
      reactor_(std::make_shared<Reactor>()),
      wheel_(std::chrono::steady_clock::now()),
      receive_buffer_(receive_bytes) {
  auto inbox = std::make_shared<Inbox>([this, reactor = reactor_] {
    // The task runs only while the loop does.
    reactor->post([this] {
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
  while (!is_done_) {
    reactor_->wait(ready_.empty());
    context_->tick();
    const bool has_ticked = reactor_->dispatch();
    run_ready();
    if (has_ticked) turn_wheel();
    destroy_released();
  }
}

// --- Connections -----------------------------------------------------------------------------------------------------

void Loop::adopt(FileDescriptor descriptor, Connection::Peer peer) noexcept {
  try {
    // Tasks can be copied, and so hold what they own by its number.
    post([this, number = descriptor.get(), peer] { take(FileDescriptor(number), peer); });
    descriptor.release();
  } catch (const std::bad_alloc&) {
    shared_.connection_closed();
  }
}

void Loop::take(FileDescriptor descriptor, Connection::Peer peer) noexcept {
  std::unique_ptr<Socket> made;
  try {
    const int number = descriptor.get();
    if (!is_stopping_) made = std::make_unique<Socket>(*this, std::move(descriptor), peer);
    if (made && !reactor_->watch(number, *made, Socket::events)) made.reset();
  } catch (const std::exception&) {
    // no memory
  }
  if (!made) return shared_.connection_closed();
  Socket& socket = *made.release();
  socket.next_ = first_;
  if (first_) first_->previous_ = &socket;
  first_ = &socket;
  ++sockets_;
  add(context_->metrics.connections, 1);
  keep_turning();
  if (is_draining_) socket.begin_drain();
  socket.start();
}

void Loop::release(Socket& socket) noexcept {
  (socket.previous_ ? socket.previous_->next_ : first_) = socket.next_;
  if (socket.next_) socket.next_->previous_ = socket.previous_;
  // It may be in the middle of a call, or be told of in this round.
  socket.previous_ = std::exchange(released_, &socket);
}

void Loop::destroy_released() noexcept {
  while (Socket* const socket = released_) {
    released_ = socket->previous_;
    if (socket->is_ready_) std::replace(ready_.begin(), ready_.end(), socket, static_cast<Socket*>(nullptr));
    delete socket;
    --sockets_;
    let_rest();
    add(context_->metrics.connections, -1);
    shared_.connection_closed();
    end_if_done();
  }
}

void Loop::make_ready(Socket& socket) noexcept {
  if (socket.is_ready_) return;
  socket.is_ready_ = true;
  ready_.push_back(&socket);
}

void Loop::run_ready() noexcept {
  running_.swap(ready_);
  for (Socket* const socket : running_) {
    if (!socket) continue;
    socket->is_ready_ = false;
    socket->go_on();
  }
  running_.clear();
  if (output_.capacity() > output_kept_bytes) std::string().swap(output_);
}

// --- Time ------------------------------------------------------------------------------------------------------------

void Loop::keep_turning() noexcept {
  ++turning_for_;
  if (!std::exchange(is_turning_, true)) reactor_->set_tick(TimingWheel::tick);
}

void Loop::turn_wheel() noexcept {
  wheel_.sweep(context_->now());
  if (turning_for_ > 0) return;
  is_turning_ = false;
  reactor_->set_tick(std::chrono::milliseconds(0));
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

void Loop::begin_drain() noexcept {
  is_draining_ = true;
  for_each_socket([](Socket& socket) { socket.begin_drain(); });
}

void Loop::close_idle() {
  post([this] { for_each_socket([](Socket& socket) { socket.end_when_idle(); }); });
}

void Loop::end_streams() {
  post([this] {
    context_->are_streams_ending = true;
    for_each_socket([](Socket& socket) { socket.end_stream(); });
  });
}

void Loop::cut_connections() {
  post([this] { for_each_socket([](Socket& socket) { socket.close(); }); });
}

void Loop::stop() {
  post([this] {
    is_stopping_ = true;
    for_each_socket([](Socket& socket) { socket.close(); });
    end_if_done();
  });
}

void Loop::end_if_done() noexcept {
  if (is_stopping_ && sockets_ == 0 && context_->exchanges.taken() == 0) is_done_ = true;
}

}  // namespace tracking::httpd
