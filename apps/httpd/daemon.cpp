#include "daemon.h"

#include "admin/admin_listener.h"
#include "linked_backends.h"
#include "process.h"
#include "server/listener.h"

#include <tracking/service.h>
#include <tracking/version.h>
#include <tracking/web.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <utility>

namespace tracking::httpd {
namespace {

using namespace std::chrono_literals;

constexpr int exit_failed = 1;
// Of one change of readiness: that it connects, and what came of it; other words of the same follow once a minute.
constexpr int words_max = 2;
constexpr auto words_interval = std::chrono::minutes(1);

StreamAccess stream_access(const Settings& settings) {
  if (settings.streams == "off") return StreamAccess::off;
  if (settings.streams == "public") return StreamAccess::everyone;
  if (settings.streams == "loopback") return StreamAccess::loopback;
  return settings.listen_address().is_loopback() ? StreamAccess::everyone : StreamAccess::loopback;
}

ListenerSettings listener_settings(const Settings& settings, const TrackingService& service) {
  ListenerSettings listener;
  listener.address = settings.listen_address().text();
  listener.threads = static_cast<unsigned>(settings.threads);
  listener.streams = stream_access(settings);
  listener.subscribers_max = settings.subscribers_max;
  listener.body_memory_bytes_max = settings.body_memory_bytes;
  listener.subscriber_memory_bytes_max = settings.subscriber_memory_bytes;
  listener.cors_origin = settings.cors_origin;
  listener.limits.data_bytes_max = service.data_bytes_max();
  return listener;
}

bool is_on_disk(const std::string& url) {
  const auto parsed = BackendUrl::parse(url);
  return parsed && (parsed->scheme == "sqlite" || parsed->scheme == "file");
}

std::string redacted(const std::string& url) {
  const auto parsed = BackendUrl::parse(url);
  return parsed ? parsed->redacted() : "***";
}

/// Owns the parts, in the order in which they depend on one another.
class Daemon {
 public:
  explicit Daemon(const Settings& settings)
      : settings_(settings),
        logger_({.format = settings.format(),
                 .level = settings.level(),
                 .is_coloured = ::isatty(STDERR_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr}) {}

  int run();

 private:
  Status open_service();
  Status open_listeners();
  void announce();
  void print_demo() const;
  void say_if_there_is_no_account();
  void watch_until_stopped();
  void tell_readiness();
  void tell_liveness();
  void drain();

  const Settings& settings_;
  apps::Logger logger_;
  web::Ledger ledger_;
  std::unique_ptr<TrackingService> service_;
  std::unique_ptr<PublicListener> public_;
  std::unique_ptr<AdminListener> admin_;
  std::string public_url_;
  std::string admin_url_;
  std::optional<std::pair<bool, bool>> last_what_;  // of accounts and broker is ready
  int words_left_ = 0;                              // that are told of it at once
  std::chrono::steady_clock::time_point next_words_{};
  std::string last_readiness_ = "unknown";
  bool has_been_ready_ = false;
  const std::chrono::milliseconds supervisor_patience_ = supervisor_patience();
  std::chrono::steady_clock::time_point next_sign_of_life_{};
};

int Daemon::run() {
  auto status = open_service();
  if (status) status = open_listeners();
  if (!status) {
    logger_.error(status.message());
    return exit_failed;
  }
  announce();
  watch_until_stopped();
  drain();
  return 0;
}

Status Daemon::open_service() {
  if (is_on_disk(settings_.accounts) || is_on_disk(settings_.broker)) {
    if (auto status = make_directory(settings_.data_dir); !status) return status;
  }
  ServiceOptions options;
  options.accounts = settings_.accounts;
  options.broker = settings_.broker;
  options.data_dir = settings_.data_dir;
  options.data_bytes_max = settings_.data_bytes_max;
  options.account_ttl = settings_.account_ttl;
  options.account_stale_max = settings_.account_stale_max;
  options.ack = settings_.ack_level();
  options.log = logger_.sink();
  auto service = TrackingService::open(options, linked_backends());
  if (!service) return service.error();
  service_ = std::move(*service);
  return {};
}

Status Daemon::open_listeners() {
  auto listener = PublicListener::bind(listener_settings(settings_, *service_), *service_, ledger_, logger_.sink());
  if (!listener) return listener.error();
  public_ = std::move(*listener);

  const auto address = settings_.admin_address();
  auto admin =
      AdminListener::bind({.host = address.host, .port = address.port, .token = settings_.admin_token},
                          {.service = *service_, .ledger = ledger_, .loops = public_->metrics(), .logger = logger_});
  if (!admin) return admin.error();
  admin_ = std::move(*admin);

  public_->start();
  admin_->start();
  return {};
}

void Daemon::announce() {
  auto public_address = settings_.listen_address();
  public_address.port = public_->port();
  auto admin_address = settings_.admin_address();
  admin_address.port = admin_->port();
  public_url_ = "http://" + public_address.text();
  admin_url_ = "http://" + admin_address.text();
  std::error_code ignored;
  const auto data_dir = std::filesystem::absolute(settings_.data_dir, ignored).lexically_normal();
  logger_.info("listening", {{"public", public_url_},
                             {"admin", admin_url_},
                             {"accounts", redacted(settings_.accounts)},
                             {"broker", redacted(settings_.broker)},
                             {"data_dir", data_dir.string()},
                             {"ack", name(service_->default_ack())},
                             {"version", version()}});
  if (!public_address.is_loopback() && stream_access(settings_) == StreamAccess::everyone) {
    logger_.warning("whoever can reach the public listener reads the events of every account (--streams public)");
  }
  if (settings_.is_demo) print_demo();
}

void Daemon::print_demo() const {
  std::printf(
      "This is a demo: everything is in memory, accounts 1, 3 and 4 are active, 2 is not.\n"
      "  See events arrive:  curl -N %s/v1/events\n"
      "                      tracking-cli subscribe -u %s\n"
      "  Send one:           curl -XPOST -d '{\"account_id\":1,\"data\":\"foo\"}' %s\n"
      "  Or open %s in a browser. Ctrl-C stops it.\n",
      public_url_.c_str(), public_url_.c_str(), public_url_.c_str(), public_url_.c_str());
  std::fflush(stdout);
}

void Daemon::say_if_there_is_no_account() {
  const auto first = service_->list_accounts(0, 1);
  if (first && first->empty()) logger_.warning("no accounts yet: add one with tracking-cli accounts add 1 NAME");
}

void Daemon::tell_readiness() {
  const auto readiness = service_->readiness();
  std::string now = "ready";
  if (!readiness.broker.is_ok()) now = "not ready: broker: " + readiness.broker.message();
  if (!readiness.accounts.is_ok()) now = "not ready: accounts: " + readiness.accounts.message();
  if (now == last_readiness_) return;
  // A server that is away for hours may be so in words that change with each attempt.
  const auto what = std::pair(readiness.accounts.is_ok(), readiness.broker.is_ok());
  if (what != std::exchange(last_what_, what)) words_left_ = words_max;
  const auto time = std::chrono::steady_clock::now();
  if (words_left_ == 0 && time < next_words_) return;
  words_left_ -= words_left_ > 0;
  next_words_ = time + words_interval;
  if (readiness.is_ready()) {
    if (!std::exchange(has_been_ready_, true)) say_if_there_is_no_account();
    logger_.info(now);
    notify_supervisor("READY=1\nSTATUS=ready");
  } else {
    logger_.warning(now);
    notify_supervisor("STATUS=" + now);
  }
  last_readiness_ = std::move(now);
}

void Daemon::tell_liveness() {
  // A loop that does not come round is a silence, which is what a supervisor ends a process for.
  const auto now = std::chrono::steady_clock::now();
  if (supervisor_patience_ == 0ms || now < next_sign_of_life_) return;
  next_sign_of_life_ = now + supervisor_patience_ / 4;
  if (public_->is_alive()) notify_supervisor("WATCHDOG=1");
}

void Daemon::watch_until_stopped() {
  // Only changes of readiness are told; while it is not ready they are looked for more often.
  const auto pause_max = supervisor_patience_ == 0ms ? 1000ms : std::clamp(supervisor_patience_ / 4, 1ms, 1000ms);
  int signal = 0;
  while (signal == 0) {
    tell_readiness();
    tell_liveness();
    signal = wait_for_stop(last_readiness_ == "ready" ? pause_max : std::min(pause_max, 50ms));
  }
  logger_.info("stopping", {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}});
}

void Daemon::drain() {
  const auto start = std::chrono::steady_clock::now();
  const auto left = [&] {
    const auto passed = std::chrono::steady_clock::now() - start;
    return std::max(0ms, std::chrono::duration_cast<std::chrono::milliseconds>(settings_.drain_timeout - passed));
  };
  stop_at_next_signal();
  notify_supervisor("STOPPING=1");
  public_->set_draining();
  admin_->set_draining();
  const bool is_whole = public_->drain(left());
  const auto closed = service_->close(left());
  admin_->stop();
  if (!is_whole) logger_.warning("connections were cut at the end of --drain-timeout");
  if (!closed) logger_.warning("the broker could not be flushed: " + closed.message());
  const auto reading = ledger_.read();
  logger_.info("stopped", {{"accepted", reading.accepted}, {"received", reading.received}});
  public_.reset();
  admin_.reset();
}

}  // namespace

int run_daemon(const Settings& settings) { return Daemon(settings).run(); }

}  // namespace tracking::httpd
