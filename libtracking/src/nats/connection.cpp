#include "nats/connection.h"

#include "nats/dial.h"

#include <algorithm>

#include "codec/no_memory.h"

namespace tracking::nats_io {
namespace {

using namespace std::chrono_literals;

constexpr auto tick = 1s;
constexpr auto ping_interval = 4s;
constexpr int pings_unanswered_max = 2;  // a link that died right after a PONG is noticed 12 s later
constexpr auto link_is_steady = 5s;      // a link that lived so long was no mistake: the next is tried for at once
constexpr auto pause_first = 100ms;
constexpr auto pause_max = 800ms;  // resumed within a second after the port opens
constexpr auto pause_refused = 2s;
constexpr std::size_t servers_remembered_max = 64;
constexpr auto tell_interval = 1min;

Status unavailable(std::string message) { return {Code::broker_unavailable, std::move(message)}; }

std::string_view what_failed(Code code) {
  switch (code) {
    case Code::unauthorized:
      return "NATS refuses us at ";
    case Code::forbidden:
      return "no TLS with NATS at ";
    case Code::could_not_connect:
      return "no NATS server answers at ";
    default:  // a file that cannot be read, or holds no such thing
      return "cannot connect to NATS at ";
  }
}

}  // namespace

Connection::Connection(Options options, ConnectionUser& user, Log log)
    : options_(std::move(options)),
      user_(user),
      log_(std::move(log)),
      status_(unavailable("connecting to " + options_.redacted)),
      servers_(options_.servers),
      random_(std::random_device()()),
      io_(user, [this] { nudge(); }),
      keeper_([this] { run(); }) {}

Connection::~Connection() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    if (link_) link_->cut("closed here");
  }
  changed_.notify_all();
  keeper_.join();
}

Status Connection::status() const noexcept {
  return unless_no_memory(Code::broker_unavailable, [this] {
    const std::lock_guard lock(mutex_);
    return status_;
  });
}

std::shared_ptr<Link> Connection::link() const {
  const std::lock_guard lock(mutex_);
  return link_;
}

Status Connection::wait_first_attempt(std::chrono::milliseconds time) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [this] { return phase_ != Phase::starting; });
  return status_;
}

void Connection::nudge() noexcept {
  {
    const std::lock_guard lock(mutex_);
    is_nudged_ = true;
  }
  changed_.notify_all();
}

Status Connection::flush(std::chrono::milliseconds time) noexcept {
  const auto link = this->link();
  if (!link) return status();
  const auto status = natsConnection_FlushTimeout(link->get(), std::max<std::int64_t>(time.count(), 1));
  if (status == NATS_OK) return {};
  const Code code = status == NATS_TIMEOUT ? Code::timed_out : Code::broker_unavailable;
  return unless_no_memory(code, [&]() -> Status {
    return {code, options_.redacted + ": not everything was flushed: " + last_error(status)};
  });
}

Status Connection::fence(std::chrono::milliseconds time) noexcept {
  const auto until = std::chrono::steady_clock::now() + time;
  if (auto status = flush(time); !status) return status;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
  if (io_.wait_round(left)) return {};
  return unless_no_memory(Code::timed_out, [&]() -> Status {
    return {Code::timed_out, options_.redacted + ": what it sent could not be read in time"};
  });
}

bool Connection::is_stopping() const {
  const std::lock_guard lock(mutex_);
  return is_stopping_;
}

void Connection::set(Phase phase, Status status) noexcept {
  bool has_changed = false;
  {
    const std::lock_guard lock(mutex_);
    has_changed = phase_ != phase;
    phase_ = phase;
    status_ = std::move(status);
  }
  changed_.notify_all();
  if (has_changed && log_ && !is_stopping()) has_memory_for([&] { tell(phase); });
}

void Connection::tell(Phase phase) {
  if (phase == Phase::connected) {
    told_.reset();
    return log_(LogLevel::info, "connected to NATS at " + server_);
  }
  if (!options_.retries) return;  // whoever asked is told, and that is the end of it
  // A server may be away for hours, for one reason now and for another then: each is said once a minute at most.
  const auto now = std::chrono::steady_clock::now();
  if (now >= next_told_) told_.reset();
  if (told_.none()) next_told_ = now + tell_interval;
  const auto bit = static_cast<std::size_t>(phase);
  if (told_.test(bit)) return;
  log_(LogLevel::warning, status().message() + ": trying again");
  told_.set(bit);
}

void Connection::run() noexcept {
  // A server that is asked first by everyone would carry everyone.
  std::shuffle(servers_.begin(), servers_.end(), random_);
  while (!is_stopping()) {
    std::shared_ptr<Link> link;
    if (!has_memory_for([&] { link = try_servers(); })) set(Phase::no_server, no_memory(Code::broker_unavailable));
    if (link) {
      const auto since = std::chrono::steady_clock::now();
      keep(link, server_);
      if (std::chrono::steady_clock::now() - since >= link_is_steady) failures_ = 0;
    }
    if (!is_stopping()) user_.on_unavailable(status());
    pause();
  }
}

std::shared_ptr<Link> Connection::try_servers() {
  std::optional<Status> failure;
  for (std::size_t i = 0; i < servers_.size() && !is_stopping(); ++i) {
    server_ = servers_[i];
    auto link = try_server(server_);
    if (link) {
      // Those before did not answer: they are tried last next time.
      std::rotate(servers_.begin(), servers_.begin() + static_cast<std::ptrdiff_t>(i), servers_.end());
      return std::move(*link);
    }
    // A refusal says more than a server that is away.
    if (!failure || link.code() != Code::could_not_connect) failure = link.error();
  }
  if (!failure) return nullptr;
  set(failure->code() == Code::could_not_connect ? Phase::no_server : Phase::refused,
      unavailable(std::string(what_failed(failure->code())) + options_.redacted + " (" + failure->message() + ")"));
  return nullptr;
}

Result<std::shared_ptr<Link>> Connection::try_server(const std::string& server) {
  auto nats_options = make_nats_options(options_, server);
  if (!nats_options) return nats_options.error();
  auto link = Link::connect(nats_options->get(), options_.wants_tls,
                            {.changed = [this] { io_.wake(); }, .refused = [this] { nudge(); }});
  if (link) remember_discovered(**link);
  return link;
}

// Servers of a cluster tell of one another. With TLS only names that were configured can be verified.
void Connection::remember_discovered(Link& link) noexcept {
  if (options_.wants_tls) return;
  char** found = nullptr;
  int count = 0;
  if (natsConnection_GetDiscoveredServers(link.get(), &found, &count) != NATS_OK) return;
  for (int i = 0; i < count; ++i) {
    const std::string_view server = found[i];
    const bool is_known = std::find(servers_.begin(), servers_.end(), server) != servers_.end();
    if (!is_known && servers_.size() < servers_remembered_max + options_.servers.size())
      has_memory_for([&] { servers_.emplace_back(server); });
    ::free(found[i]);
  }
  ::free(static_cast<void*>(found));
}

void Connection::keep(const std::shared_ptr<Link>& link, const std::string& server) noexcept {
  io_.attach(link);
  Status status = user_.on_connected(link);
  bool was_up = false;
  if (status) {
    {
      const std::lock_guard lock(mutex_);
      link_ = link;
    }
    was_up = true;
    ++connects_;
    set(Phase::connected, {});
    status = unless_no_memory(Code::internal, [&] { return watch(link); });
    const std::lock_guard lock(mutex_);
    link_ = nullptr;
  }
  if (!status) link->cut(status.message());
  // The socket is the I/O thread's to close: it reads the end that cut() made.
  wait_until_lost(*link);
  status = unless_no_memory(Code::broker_unavailable, [&] {
    return unavailable((was_up ? "lost the connection to NATS at " : "cannot use NATS at ") + server + " (" +
                       (status ? link->reason() : status.message()) + ")");
  });
  io_.detach();
  // First nothing is taken any more, then we say so.
  user_.on_disconnected(status);
  set(was_up ? Phase::lost : Phase::not_set_up, std::move(status));
}

// Ok: the link was lost. Else why it is to be broken.
Status Connection::watch(const std::shared_ptr<Link>& link) {
  auto next_ping = std::chrono::steady_clock::now() + ping_interval;
  auto heard = link->heard();
  int pings_unanswered = 0;
  while (!link->is_lost()) {
    if (!wait_for_tick(*link)) return {Code::closed, "closed here"};
    if (const auto now = std::chrono::steady_clock::now(); now >= next_ping) {
      // Counted in PINGs, not in time: after a stop of this process the server gets its chance to answer.
      const auto heard_now = link->heard();
      if (std::exchange(heard, heard_now) != heard_now) pings_unanswered = 0;
      if (pings_unanswered == pings_unanswered_max) return {Code::timed_out, "it answers no PING"};
      link->ping();
      ++pings_unanswered;
      next_ping = now + ping_interval;
    }
    if (link->is_lost()) break;
    if (auto status = user_.on_tick(link); !status) return status;
  }
  return {};
}

// False: the connection is to end.
bool Connection::wait_for_tick(const Link& link) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, tick, [&] { return is_stopping_ || is_nudged_ || link.is_lost(); });
  is_nudged_ = false;
  return !is_stopping_;
}

void Connection::wait_until_lost(const Link& link) {
  std::unique_lock lock(mutex_);
  while (!link.is_lost()) changed_.wait_for(lock, tick);
}

void Connection::pause() {
  std::unique_lock lock(mutex_);
  auto most = std::min<std::chrono::milliseconds>(pause_first * (1 << std::min(failures_, 5u)), pause_max);
  if (phase_ == Phase::refused || phase_ == Phase::not_set_up) most = failures_ == 0 ? pause_max : pause_refused;
  ++failures_;
  const auto time = most / 2 + most * std::uniform_int_distribution<int>(0, 500)(random_) / 1'000;
  changed_.wait_for(lock, time, [this] { return is_stopping_; });
}

}  // namespace tracking::nats_io
