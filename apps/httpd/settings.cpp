#include "settings.h"

#include <common/values.h>

namespace tracking::httpd {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t mib = 1u << 20;
constexpr std::size_t gib = 1u << 30;

std::string check_address(std::string_view text) {
  return parse_address(text) ? "" : "is not HOST:PORT (such as 127.0.0.1:8080, [::1]:8080, or :8080 for all addresses)";
}

std::string check_backend(std::string_view text) {
  const auto url = BackendUrl::parse(text);
  return url ? "" : "is not a URL such as memory: or sqlite:tracking.db";
}

/// An Origin as browsers send it: scheme://host[:port], nothing after it; or * for every page.
std::string check_origin(std::string_view text) {
  if (text == "*") return {};
  const char* const wrong = "is not an origin (such as https://app.example.com, without a path) or *";
  const auto separator = text.find("://");
  if (separator == std::string_view::npos || separator == 0) return wrong;
  const auto host = text.substr(separator + 3);
  if (host.empty()) return wrong;
  for (const char character : text) {
    if (character <= ' ' || character >= 0x7f) return wrong;
  }
  return host.find_first_of("/?#@,") == std::string_view::npos ? "" : wrong;
}

std::string check_directory(std::string_view text) { return text.empty() ? "is empty" : ""; }

void describe_listeners(apps::OptionTable& table, Settings& settings) {
  table.section("Listeners");
  table.text("listen", settings.listen)
      .value("HOST:PORT")
      .check(check_address)
      .help("Where events are sent and read. Port 0 takes any free one.");
  table.text("admin-listen", settings.admin_listen)
      .value("HOST:PORT")
      .check(check_address)
      .help("Where accounts are managed and metrics are read. Other than on loopback it needs a token.");
  table.secret("admin-token", settings.admin_token)
      .help("The bearer token that /v1/* of the admin listener asks for, read from FILE.");
  table.choice("streams", settings.streams, {"public", "loopback", "off"})
      .preset("public while --listen is loopback, else loopback")
      .help("Who may read events. There are no read tokens: whoever may, reads those of every account.");
  table.text("cors-origin", settings.cors_origin)
      .value("ORIGIN")
      .check(check_origin)
      .preset("off")
      .help("The web origin whose pages may send and read events, or * for all.");
}

void describe_backends(apps::OptionTable& table, Settings& settings) {
  table.section("Backends");
  table.url("accounts", settings.accounts)
      .check(check_backend)
      .help("Where accounts are: sqlite:PATH, postgresql://... (any libpq URI), or memory:?active=1,3&inactive=2.");
  table.url("broker", settings.broker)
      .check(check_backend)
      .help(
          "Where events go: file:DIR?retention=7d&max_size=10GiB (the durable log; these are its limits unless others "
          "are given), memory: (in this process, its last 64 MiB as history), "
          "nats://HOST[:PORT][,HOST...] (core NATS, at most once), or jetstream://HOST[:PORT][,HOST...] (a stream, "
          "stored; ?stream=TRACKING&max_age=7d&max_size=10GiB&replicas=1 say how it is made).");
  table.text("data-dir", settings.data_dir)
      .value("DIR")
      .check(check_directory)
      .help("What relative paths in the URLs are under. Created if need be.");
  table.flag("demo", settings.is_demo)
      .help(
          "Everything in memory, with accounts 1, 3 and 4 active and 2 inactive, unless --accounts or --broker say "
          "otherwise. Prints commands to try.");
  table.choice("ack", settings.ack, {"sent", "stored"})
      .preset("the strongest that the broker gives")
      .help(
          "What an answer promises when a request does not ask: sent = handed to the broker, stored = on stable "
          "storage.");
}

void describe_limits(apps::OptionTable& table, Settings& settings) {
  table.section("Limits and times");
  table.integer("threads", settings.threads, 0, 256)
      .preset("0 = one per core")
      .help("Event loops of the public listener.");
  table.duration("account-ttl", settings.account_ttl, 100ms, 24h)
      .help("How long a cached account is used while its changes cannot be watched.");
  table.duration("account-stale-max", settings.account_stale_max, 0ms, 7 * 24h)
      .help("How long cached accounts hold while the accounts' store does not answer.");
  table.size("max-data-size", settings.data_bytes_max, 1, 64 * mib)
      .help("The largest data of an event; never above what the broker takes less 4KiB.");
  table.integer("max-subscribers", settings.subscribers_max, 0, 1'000'000)
      .help("Streams open at once; more are refused with 503 overloaded.");
  table.size("body-memory", settings.body_memory_bytes, mib, 64 * gib)
      .help("What all request bodies may take together. Above it reading pauses, then 503 overloaded.");
  table.size("subscriber-memory", settings.subscriber_memory_bytes, mib, 256 * gib)
      .help("What the buffers of all slow subscribers may take together.");
  table.duration("drain-timeout", settings.drain_timeout, 0ms, 1h)
      .help("How long requests and the broker may take to finish after SIGTERM or SIGINT.");
}

void describe_running(apps::OptionTable& table, Settings& settings) {
  table.section("Running");
  table.choice("log-level", settings.log_level, {"debug", "info", "warning", "error"})
      .help("The least level that is logged.");
  table.choice("log-format", settings.log_format, {"text", "json"}).help("How log records on stderr are written.");
  table.config_file(table.text("config", settings.config)
                        .value("FILE")
                        .help("A TOML file of these settings: max-data-size = \"64KiB\"."));
  table.flag("check-config", settings.does_check_config).only_flag().help("Checks all settings and exits: 0, or 2.");
  table.flag("print-config", settings.does_print_config)
      .only_flag()
      .help("Prints all settings with where they come from, secrets masked, and exits.");
  table.flag("healthcheck", settings.does_healthcheck)
      .only_flag()
      .help("Asks the /readyz of the daemon that listens on --listen, and exits: 0 = ready, 1 = not.");
  table.flag("version", settings.shows_version).only_flag().help("Prints the version and exits.");
  table.flag("help", settings.shows_help).letter('h').only_flag().help("Prints this and exits.");
  table.choice("documentation", settings.document, {"markdown", "man", "bash", "zsh", "fish"}).only_flag().hidden();
}

/// What --demo stands for, where nothing else was said.
void apply_demo(const apps::OptionTable& table, Settings& settings) {
  if (!settings.is_demo) return;
  if (!table.find("accounts").is_set()) settings.accounts = "memory:?active=1,3,4&inactive=2";
  if (!table.find("broker").is_set()) settings.broker = "memory:";
}

Status check_together(const apps::OptionTable& table, const Settings& settings) {
  if (!settings.admin_address().is_loopback() && settings.admin_token.empty()) {
    return {Code::invalid_parameter,
            table.origin("admin-listen") + ": " + settings.admin_listen +
                " can be reached from other machines, so it needs a token: set --admin-token-file FILE or "
                "TRACKING_ADMIN_TOKEN, or listen on 127.0.0.1"};
  }
  return {};
}

}  // namespace

AckLevel Settings::ack_level() const noexcept {
  if (ack == "sent") return AckLevel::sent;
  return ack == "stored" ? AckLevel::stored : AckLevel::broker_default;
}

LogLevel Settings::level() const noexcept {
  for (const auto candidate : {LogLevel::debug, LogLevel::info, LogLevel::warning}) {
    if (log_level == apps::name(candidate)) return candidate;
  }
  return LogLevel::error;
}

apps::LogFormat Settings::format() const noexcept {
  return log_format == "json" ? apps::LogFormat::json : apps::LogFormat::text;
}

void describe_settings(apps::OptionTable& table, Settings& settings) {
  describe_listeners(table, settings);
  describe_backends(table, settings);
  describe_limits(table, settings);
  describe_running(table, settings);
}

apps::ProgramText program_text() {
  return {.program = "tracking-httpd",
          .usage = "[options]",
          .summary = "Takes events of accounts over HTTP, checks them, and shows them to subscribers in real time.",
          .epilogue =
              "Each setting is also a variable (--max-data-size is TRACKING_MAX_DATA_SIZE) and a key of the "
              "--config file;\na flag beats the variable, which beats the file.\n\n"
              "Exit codes: 0 stopped by SIGTERM or SIGINT, or did what it was asked for; 1 could not start, or is not "
              "ready\n(--healthcheck); 2 a setting is wrong.\n\n"
              "Examples:\n"
              "  tracking-httpd --demo\n"
              "  tracking-httpd --data-dir /var/lib/tracking\n"
              "  tracking-httpd --config /etc/tracking/tracking-httpd.toml --check-config"};
}

Status read_settings(apps::OptionTable& table, Settings& settings, std::span<const char* const> arguments) {
  if (auto status = table.parse(arguments); !status) return status;
  apply_demo(table, settings);
  return check_together(table, settings);
}

}  // namespace tracking::httpd
