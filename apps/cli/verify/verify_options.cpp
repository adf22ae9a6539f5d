#include "verify_options.h"

#include "common/options.h"
#include "connection_options.h"
#include "terminal.h"
#include "verify_event.h"

#include <algorithm>

namespace tracking::cli {
namespace {

using std::chrono::milliseconds;

constexpr auto time_longest = std::chrono::hours(24 * 365);
constexpr std::size_t accounts_max = 10'000;
constexpr std::uint64_t connections_max = 256;
constexpr std::uint64_t streams_max = 200'000;  // of some 150 bytes, and the holes in them

apps::ProgramText program_text() {
  return {
      .program = "tracking-cli verify",
      .usage = "-a ID,... [options]",
      .summary =
          "Sends numbered events, subscribes to them, and compares: what was accepted must arrive once, in order and\n"
          "unaltered, and what is missing must have been told as a gap. It outlives restarts of the server: what was "
          "not\n"
          "accepted, or may not have been, is sent again with the same id. Its memory does not grow with their number.",
      .epilogue =
          "Two processes, also on two machines, agree on a run's name: start --receive-only first, then --send-only.\n"
          "--from - judges any subscriber's output (the JSON lines of tracking-cli subscribe -o json).\n\n"
          "Exit codes: 0 nothing is wrong, 1 something is (or sending failed), 2 wrong usage, 3 could not connect "
          "(only\n"
          "with --no-retry), 124 --for ran out before the sender's end came (only with --receive-only), 130 "
          "interrupted.\n\n"
          "Examples:\n"
          "  tracking-cli verify -a 1\n"
          "  tracking-cli verify -a 1,3 --for 10m --rate 500 --connections 4 -o json\n"
          "  tracking-cli verify -a 1 -u http://a:8080 --from http://b:8080\n"
          "  tracking-cli verify -a 1 --receive-only --run night & tracking-cli verify -a 1 --send-only --run night\n"
          "  tracking-cli subscribe -a 1 -o json | tracking-cli verify -a 1 --receive-only --run night --from -\n"};
}

struct Raw {
  std::vector<std::string> accounts;
  std::vector<std::string> allowed;
  std::string ack;
  std::string format = "text";
  bool send_only = false;
  bool receive_only = false;
  bool no_retry = false;
  bool help = false;
};

void describe_where(apps::OptionTable& table, VerifySettings& settings, Raw& raw) {
  table.section("Where");
  table.url("url", settings.track.url).letter('u').value("URL").help("The server that is sent to.");
  table.text("from", settings.from)
      .value("URL")
      .only_flag()
      .preset("the same as --url")
      .help("What is read: another server's URL, or - for JSON lines on stdin (with --receive-only).");
  table.flag("send-only", raw.send_only).only_flag().help("Another process receives.");
  table.flag("receive-only", raw.receive_only).only_flag().help("Another process sends.");
  table.text("run", settings.run)
      .value("NAME")
      .only_flag()
      .preset("a new one")
      .help("How its events are told from others: 1-16 of A-Za-z0-9_. Never use one twice.");
  table.text("since", settings.since)
      .value("WHEN")
      .only_flag()
      .preset("now")
      .help("Where to start reading, as subscribe has it (with --receive-only).");
}

void describe_what(apps::OptionTable& table, VerifySettings& settings, Raw& raw) {
  table.section("What is sent");
  table.list("account", raw.accounts)
      .letter('a')
      .value("ID,...")
      .only_flag()
      .preset("none")
      .help("The accounts, in turn. The receiver needs the same.");
  table.integer("count", settings.count, 0, UINT64_MAX)
      .value("N")
      .only_flag()
      .preset("1000, or no end with --for")
      .help("How many events.");
  table.duration("for", settings.time_max, milliseconds(1), time_longest)
      .value("TIME")
      .only_flag()
      .preset("no end")
      .help("Send for this time; with --receive-only: wait no longer.");
  table.integer("rate", settings.rate, 0, 100'000'000)
      .value("N")
      .only_flag()
      .preset("as fast as they are answered")
      .help("Events a second.");
  table.integer("batch", settings.batch, 1, 10'000).value("N").only_flag().help("Events in a request.");
  table.integer("connections", settings.connections, 1, connections_max)
      .value("N")
      .only_flag()
      .help("Senders, each with a connection and numbers of its own.");
  table.size("data-size", settings.data_bytes, verify_data_bytes_min, 64u << 20)
      .value("SIZE")
      .only_flag()
      .help("The size of an event's data.");
  table.choice("ack", raw.ack, {"sent", "stored"})
      .value("LEVEL")
      .only_flag()
      .preset("the strongest that there is")
      .help("The level at which an event counts as accepted.");
}

void describe_how(apps::OptionTable& table, VerifySettings& settings, Raw& raw) {
  table.section("How");
  table.list("allow", raw.allowed)
      .value("gaps,repeats")
      .only_flag()
      .preset("none")
      .help("No failure: gaps, and what they announced; repeats of events whose answer was lost.");
  table.duration("settle", settings.settle_time, milliseconds(0), time_longest)
      .value("TIME")
      .only_flag()
      .help("How long to wait, without any progress, for what is missing at the end.");
  table.duration("retry-for", settings.track.retry_time, milliseconds(0), time_longest)
      .value("TIME")
      .only_flag()
      .help("How long to send again without any progress.");
  table.flag("no-retry", raw.no_retry).only_flag().help("Send once, and fail at once if there is no connection.");
  table.choice("output", raw.format, {"text", "json"}).letter('o').only_flag().help("How the report is written.");
  table.flag("help", raw.help).letter('h').only_flag().help("Shows this.");
}

void describe(apps::OptionTable& table, VerifySettings& settings, Raw& raw) {
  settings.track.retry_time = std::chrono::seconds(60);
  describe_where(table, settings, raw);
  describe_what(table, settings, raw);
  describe_how(table, settings, raw);
}

Status usage(std::string message) { return {Code::invalid_parameter, std::move(message)}; }

Status understand_sides(const apps::OptionTable& table, VerifySettings& settings, const Raw& raw) {
  if (raw.send_only && raw.receive_only) return usage("--send-only and --receive-only exclude each other");
  settings.sends = !raw.receive_only;
  settings.receives = !raw.send_only;
  if (settings.from.empty()) settings.from = settings.track.url;
  if (settings.reads_stdin() && settings.sends) return usage("--from - goes with --receive-only");
  if (!settings.since.empty() && settings.sends) return usage("--since goes with --receive-only");
  if (raw.receive_only && settings.run.empty()) return usage("--receive-only needs the sender's --run NAME");
  if (settings.run.empty()) settings.run = make_run_name();
  if (!is_run_name(settings.run))
    return usage("--run: " + apps::in_quotes(settings.run) + " is not 1-16 of A-Za-z0-9_");
  const auto start = parse_since(settings.since, Clock::system().now());
  if (!start) return usage("--since: " + start.error().message());
  if (settings.time_max && !table.find("count").is_set()) settings.count = 0;
  if (settings.count == 0 && !settings.time_max && settings.sends) return usage("--count 0 needs --for");
  return {};
}

Status understand_accounts(VerifySettings& settings, const Raw& raw) {
  auto accounts = parse_accounts(raw.accounts);
  if (!accounts) return usage("--account: " + accounts.error().message());
  settings.accounts = std::move(*accounts);
  std::sort(settings.accounts.begin(), settings.accounts.end());
  settings.accounts.erase(std::unique(settings.accounts.begin(), settings.accounts.end()), settings.accounts.end());
  if (settings.accounts.empty()) return usage("whose events? Give the accounts with -a ID,...");
  if (settings.accounts.size() > accounts_max || settings.streams() > streams_max) {
    return usage("more than 10000 accounts, or 200000 accounts times connections");
  }
  return {};
}

Status understand(const apps::OptionTable& table, VerifySettings& settings, const Raw& raw) {
  if (auto status = understand_accounts(settings, raw); !status) return status;
  if (auto status = understand_sides(table, settings, raw); !status) return status;
  for (const std::string& allowed : raw.allowed) {
    const bool is_both = allowed == "gaps,repeats" || allowed == "repeats,gaps";
    if (!is_both && allowed != "gaps" && allowed != "repeats") {
      return usage("--allow: " + apps::in_quotes(allowed) + " is not gaps, repeats or gaps,repeats");
    }
    settings.allows_gaps |= is_both || allowed == "gaps";
    settings.allows_repeats |= is_both || allowed == "repeats";
  }
  settings.track.retries = !raw.no_retry;
  if (!raw.ack.empty()) settings.track.ack = raw.ack == "stored" ? AckLevel::stored : AckLevel::sent;
  settings.is_json = raw.format == "json";
  return {};
}

}  // namespace

void describe_verify(const TableReader& read) {
  VerifySettings settings;
  Raw raw;
  apps::OptionTable table(program_text());
  describe(table, settings, raw);
  read(table);
}

std::optional<int> read_verify_options(Arguments arguments, VerifySettings& settings) {
  apps::OptionTable table(program_text());
  Raw raw;
  describe(table, settings, raw);
  auto status = table.parse(arguments);
  if (raw.help) return print(table.help());
  if (status) status = understand(table, settings, raw);
  if (!status) return table.report(status);
  return std::nullopt;
}

}  // namespace tracking::cli
