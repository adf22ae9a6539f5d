#include "bench_options.h"

#include "common/options.h"
#include "request_maker.h"
#include "terminal.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace tracking::cli {
namespace {

using std::chrono::milliseconds;

apps::ProgramText program_text() {
  return {
      .program = "tracking-cli bench",
      .usage = "-a ID,... [options]",
      .summary =
          "Puts a server under load, from one thread, and measures. Without --rate every connection sends its next "
          "request\n"
          "when it has the answer to the last (closed loop: how much can it take?). With --rate requests have times "
          "at\n"
          "which they are due, and latency counts from these, also if the server kept them waiting (open loop: how "
          "long\n"
          "does it take?). With --subscribers events are received too, and the way to the subscriber is measured.",
      .epilogue =
          "It waits for its server, connects everything, warms up, measures, and prints one report.\n\n"
          "Exit codes: 0 done, 1 an event was not accepted or not delivered, 2 wrong usage, 3 could not connect (only "
          "with\n"
          "--no-retry), 130 interrupted (what was measured is printed).\n\n"
          "Examples:\n"
          "  tracking-cli bench -a 1                                            how many single events a second\n"
          "  tracking-cli bench -a 1 --batch 1000 --format ndjson -c 4          and in batches\n"
          "  tracking-cli bench -a 1 --rate 20000 --subscribers 1               how long until a subscriber has it\n"
          "  tracking-cli bench -a 1-100000 --zipf 1 --data-size 1KiB -o json   many accounts, some of them hot\n"
          "  taskset -c 1 tracking-cli bench -a 1 --for 30s                     pinned to a core of its own\n"};
}

struct Raw {
  std::vector<std::string> accounts;
  std::string zipf;
  std::string format;
  std::string output = "text";
  bool no_retry = false;
  bool help = false;
};

void describe_load(apps::OptionTable& table, BenchSettings& settings) {
  table.section("Load");
  table.url("url", settings.url)
      .letter('u')
      .value("URL")
      .help("The server: http://host:port; with a path, it is posted to instead of /v1/events.");
  table.integer("connections", settings.connections, 1, 50'000)
      .letter('c')
      .value("N")
      .only_flag()
      .help("Connections, each with one request at a time.");
  table.integer("rate", settings.rate, 0, 100'000'000)
      .value("N")
      .only_flag()
      .preset("closed loop")
      .help("Events a second, due at even distances.");
  table.duration("for", settings.time, milliseconds(1), std::chrono::hours(24 * 365))
      .value("TIME")
      .only_flag()
      .help("How long to measure.");
  table.duration("warm-up", settings.warm_up, milliseconds(0), std::chrono::hours(1))
      .value("TIME")
      .only_flag()
      .help("How long to load before that.");
  table.duration("timeout", settings.timeout, milliseconds(1), std::chrono::hours(1))
      .value("TIME")
      .only_flag()
      .help("How long to wait for an answer.");
  table.integer("subscribers", settings.subscribers, 0, 50'000)
      .value("N")
      .only_flag()
      .preset("0")
      .help("Receive the events on so many streams.");
}

void describe_events(apps::OptionTable& table, BenchSettings& settings, Raw& raw) {
  table.section("Events");
  table.list("account", raw.accounts)
      .letter('a')
      .value("ID,...")
      .only_flag()
      .preset("none")
      .help("The accounts; 1-1000 is a range. They must exist.");
  table.text("zipf", raw.zipf)
      .value("S")
      .only_flag()
      .preset("all alike")
      .help("The Nth account gets 1/N^S of what the first gets; S from 0.1 to 10.");
  table.integer("batch", settings.batch, 1, 1'000'000).value("N").only_flag().help("Events in a request.");
  table.choice("format", raw.format, {"array", "ndjson"})
      .only_flag()
      .preset("one event; array with --batch")
      .help("How a request's events are written.");
  table.size("data-size", settings.data_bytes, 2, 64u << 20)
      .value("SIZE")
      .only_flag()
      .help("The size of an event's data, a JSON string; with --subscribers at least 28.");
  table.flag("ids", settings.has_ids).only_flag().help("Give every event an id of its own.");
  table.choice("ack", settings.ack, {"sent", "stored"})
      .value("LEVEL")
      .only_flag()
      .preset("the server's")
      .help("The level at which an event counts as accepted.");
}

void describe_how(apps::OptionTable& table, Raw& raw) {
  table.section("How");
  table.flag("no-retry", raw.no_retry).only_flag().help("Fail at once if there is no server.");
  table.choice("output", raw.output, {"text", "json"}).letter('o').only_flag().help("How the report is written.");
  table.flag("help", raw.help).letter('h').only_flag().help("Shows this.");
}

Status usage(std::string message) { return {Code::invalid_parameter, std::move(message)}; }

Status understand_url(BenchSettings& settings) {
  std::string_view rest = settings.url;
  constexpr std::string_view scheme = "http://";
  if (!rest.starts_with(scheme)) return usage("--url: bench loads http:// servers: http://host:port");
  rest.remove_prefix(scheme.size());
  const auto slash = std::min(rest.find('/'), rest.size());
  const auto authority = rest.substr(0, slash);
  if (slash < rest.size()) settings.path = rest.substr(slash);
  if (settings.path == "/" || settings.path.find_first_of(" \r\n?#") != std::string::npos) settings.path = "/v1/events";
  const auto bracket = authority.find(']');
  const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  settings.host = authority.substr(0, std::min(colon, authority.size()));
  settings.port = colon == std::string_view::npos ? "80" : std::string(authority.substr(colon + 1));
  const bool is_bracketed = settings.host.size() > 2 && settings.host.front() == '[' && settings.host.back() == ']';
  if (is_bracketed) settings.host = settings.host.substr(1, settings.host.size() - 2);
  const bool is_number = !settings.port.empty() && settings.port.find_first_not_of("0123456789") == std::string::npos;
  if (settings.host.empty() || !is_number) return usage("--url: is not http://host:port");
  return {};
}

Status understand(const apps::OptionTable& table, BenchSettings& settings, const Raw& raw) {
  if (auto status = understand_url(settings); !status) return status;
  auto accounts = AccountRanges::parse(raw.accounts);
  if (!accounts) return usage("--account: " + accounts.error().message());
  settings.accounts = std::move(*accounts);
  if (!raw.zipf.empty()) {
    char* end = nullptr;
    const double exponent = std::strtod(raw.zipf.c_str(), &end);
    if (*end != '\0' || !(exponent >= 0.1 && exponent <= 10)) return usage("--zipf: is a number from 0.1 to 10");
    settings.zipf_exponent = exponent;
  }
  if (raw.format == "ndjson") settings.format = BodyFormat::ndjson;
  if (raw.format == "array" || (raw.format.empty() && settings.batch > 1)) settings.format = BodyFormat::array;
  if (settings.subscribers > 0) {
    if (table.find("data-size").is_set() && settings.data_bytes < marked_data_bytes_min) {
      return usage("--data-size: with --subscribers, data holds what is measured by: at least 28 bytes");
    }
    settings.data_bytes = std::max(settings.data_bytes, marked_data_bytes_min);
  }
  settings.retries = !raw.no_retry;
  settings.is_json = raw.output == "json";
  return {};
}

void describe(apps::OptionTable& table, BenchSettings& settings, Raw& raw) {
  describe_load(table, settings);
  describe_events(table, settings, raw);
  describe_how(table, raw);
}

}  // namespace

void describe_bench(const TableReader& read) {
  BenchSettings settings;
  Raw raw;
  apps::OptionTable table(program_text());
  describe(table, settings, raw);
  read(table);
}

std::optional<int> read_bench_options(Arguments arguments, BenchSettings& settings) {
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
