#include "subscribe_options.h"

#include "connection_options.h"
#include "exit_codes.h"
#include "terminal.h"

#include <limits>

namespace tracking::cli {
namespace {

constexpr auto duration_max = std::chrono::hours(24 * 365);
constexpr auto number_max = std::numeric_limits<std::uint64_t>::max();

apps::ProgramText program_text() {
  return {
      .program = "tracking-cli subscribe",
      .usage = "[options]",
      .summary =
          "Shows events as they come. It may be started before its server, connects again whenever it must, goes on\n"
          "where it was, and tells what was missed. Events go to stdout; everything else goes to stderr.",
      .epilogue =
          "While it runs on a terminal, typed lines change the accounts: +3 adds one, -2 leaves one out, =1,2 shows\n"
          "only these, all shows every account.\n\n"
          "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 could not connect (only with --no-retry), 124 --for ran out\n"
          "before --count, 130 interrupted.\n\n"
          "Examples:\n"
          "  tracking-cli subscribe -a 1,3\n"
          "  tracking-cli subscribe --since 10m -o json | jq .data\n"
          "  tracking-cli subscribe --tail 20 --no-follow\n"
          "  tracking-cli subscribe -a 1 --cursor-file account-1.cursor -o json >> account-1.ndjson\n"
          "  tracking-cli subscribe --count 1 --for 30s && echo \"an event came\"\n"};
}

struct Raw {
  std::vector<std::string> accounts;
  std::vector<std::string> excluded;
  std::string format = "text";
  bool no_follow = false;
  bool no_retry = false;
  bool help = false;
};

void describe(apps::OptionTable& table, SubscribeSettings& settings, Raw& raw) {
  table.section("What");
  table.url("url", settings.url).letter('u').value("URL").help("The server: http://host:port.");
  table.list("account", raw.accounts)
      .letter('a')
      .value("ID,...")
      .only_flag()
      .preset("every account")
      .help("Only these accounts.");
  table.list("exclude", raw.excluded)
      .letter('x')
      .value("ID,...")
      .only_flag()
      .preset("none")
      .help("Not these accounts.");
  table.text("since", settings.since)
      .value("WHEN")
      .only_flag()
      .preset("now")
      .help("Where to start: now, all, a cursor, an RFC 3339 time, or a duration back from now (30s, 10m, 2h, 7d).");
  table.integer("tail", settings.tail, 0, number_max)
      .value("N")
      .only_flag()
      .preset("off")
      .help("Start N matching events back.");
  table.section("How long");
  table.flag("no-follow", raw.no_follow).only_flag().help("End at the end of history.");
  table.integer("count", settings.count, 0, number_max)
      .value("N")
      .only_flag()
      .preset("no end")
      .help("End after N events.");
  table.duration("for", settings.time_max, std::chrono::milliseconds(1), duration_max)
      .value("TIME")
      .only_flag()
      .preset("no end")
      .help("End after this time.");
  table.flag("no-retry", raw.no_retry).only_flag().help("Fail at once if there is no connection, or when it is lost.");
  table.section("Output");
  table.choice("output", raw.format, {"text", "json", "raw"})
      .letter('o')
      .only_flag()
      .help("text to read; json, an event a line, gaps as {\"gap\":{...}}; raw, the data alone.");
  table.choice("color", settings.color, {"auto", "always", "never"})
      .only_flag()
      .help("auto: on a terminal, unless NO_COLOR is set.");
  table.section("Control");
  table.text("cursor-file", settings.cursor_file)
      .value("FILE")
      .only_flag()
      .preset("none")
      .help("Keeps the last cursor, and goes on from the one that is in it.");
  table.flag("control", settings.has_control)
      .only_flag()
      .help("Read lines that change the accounts from stdin, also if it is no terminal.");
  table.flag("help", raw.help).letter('h').only_flag().help("Shows this.");
}

Status understand(SubscribeSettings& settings, const Raw& raw) {
  auto accounts = parse_accounts(raw.accounts);
  if (!accounts) return {Code::invalid_parameter, "--account: " + accounts.error().message()};
  auto excluded = parse_accounts(raw.excluded);
  if (!excluded) return {Code::invalid_parameter, "--exclude: " + excluded.error().message()};
  const auto start = parse_since(settings.since, Clock::system().now());
  if (!start) return {Code::invalid_parameter, "--since: " + start.error().message()};
  settings.accounts = std::move(*accounts);
  settings.excluded = std::move(*excluded);
  settings.follows = !raw.no_follow;
  settings.retries = !raw.no_retry;
  settings.format = raw.format == "json" ? Format::json : raw.format == "raw" ? Format::raw : Format::text;
  return {};
}

}  // namespace

void describe_subscribe(const TableReader& read) {
  SubscribeSettings settings;
  Raw raw;
  apps::OptionTable table(program_text());
  describe(table, settings, raw);
  read(table);
}

std::optional<int> read_subscribe_options(Arguments arguments, SubscribeSettings& settings) {
  apps::OptionTable table(program_text());
  Raw raw;
  describe(table, settings, raw);
  auto status = table.parse(arguments);
  if (raw.help) return print(table.help());
  if (status) status = understand(settings, raw);
  if (!status) return table.report(status);
  return std::nullopt;
}

}  // namespace tracking::cli
