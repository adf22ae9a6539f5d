// tracking-cli track: sends an event, or many from stdin.
#include "codec/event_decoder.h"
#include "codec/json.h"
#include "codec/rfc3339.h"
#include "common/options.h"
#include "common/text.h"
#include "connection_options.h"
#include "exit_codes.h"
#include "terminal.h"
#include "track_answer.h"
#include "track_lines.h"
#include "verb.h"

#include <optional>

namespace tracking::cli {
namespace {

// One event is sent by somebody who waits; a stream of them must outlive a restart of the server.
constexpr auto retry_time_one = std::chrono::seconds(5);
constexpr auto retry_time_lines = std::chrono::seconds(60);

struct Raw {
  TrackSettings settings;
  std::string account;
  std::string ack;
  std::string id;
  std::string occurred_at;
  std::string text;
  std::optional<std::chrono::milliseconds> retry_time;
  bool no_retry = false;
  bool help = false;
};

apps::ProgramText program_text() {
  return {
      .program = "tracking-cli track",
      .usage = "-a ID (JSON | --text STRING)   or   tracking-cli track -",
      .summary =
          "Sends one event and prints the answer; or, with -, the events on stdin, one a line (NDJSON:\n"
          "{\"account_id\":1,\"data\":...}, optional id and occurred_at), and prints one answer for all.\n"
          "What the server did not accept for a reason that may pass is sent again; what may have been stored is sent\n"
          "again with the same id, so that it is not doubled.",
      .epilogue =
          "Exit codes: 0 accepted, 1 anything was not, 2 wrong usage, 3 could not connect (only with --no-retry),\n"
          "130 interrupted.\n\n"
          "Examples:\n"
          "  tracking-cli track -a 1 '\"foo\"'\n"
          "  tracking-cli track -a 1 '{\"page\":\"/pricing\",\"ms\":12}'\n"
          "  tracking-cli track -a 1 --text \"$(uname -a)\"\n"
          "  tracking-cli track -a 1 --id order-4711 '{\"total\":99}'\n"
          "  tracking-cli track - < events.ndjson\n"
          "A JSON value that begins with a dash stands after --: tracking-cli track -a 1 -- -5\n",
      .positionals_max = 1};
}

void describe(apps::OptionTable& table, Raw& raw) {
  table.section("Where");
  table.url("url", raw.settings.url).letter('u').value("URL").help("The server: http://host:port.");
  table.section("The event");
  table.text("account", raw.account).letter('a').value("ID").only_flag().preset("none").help("Whose event it is.");
  table.text("text", raw.text).value("STRING").only_flag().preset("none").help("The data as a plain text, made JSON.");
  table.text("id", raw.id)
      .value("ID")
      .only_flag()
      .preset("a new UUIDv7")
      .help("The event's id, 1-64 of A-Za-z0-9._:-; a repeat with the same id doubles nothing.");
  table.text("occurred-at", raw.occurred_at)
      .value("TIME")
      .only_flag()
      .preset("none")
      .help("When it happened, RFC 3339.");
  table.section("How");
  table.choice("ack", raw.ack, {"sent", "stored"})
      .value("LEVEL")
      .only_flag()
      .preset("the strongest that there is")
      .help("sent: handed to the broker; stored: on stable storage.");
  table.duration("retry-for", raw.retry_time, std::chrono::milliseconds(0), std::chrono::hours(24 * 365))
      .value("TIME")
      .only_flag()
      .preset("5s; 60s with -")
      .help("How long to try again without any progress.");
  table.flag("no-retry", raw.no_retry).only_flag().help("Try once.");
  table.flag("help", raw.help).letter('h').only_flag().help("Shows this.");
}

Status usage(std::string message) { return {Code::invalid_parameter, std::move(message)}; }

// What there is of one event, with the text that it borrows.
struct Single {
  std::string data;
  Event event;
};

Status read_data(const apps::OptionTable& table, const Raw& raw, Single& single) {
  const auto& positionals = table.positionals();
  const bool has_text = table.find("text").is_set();
  if (has_text == !positionals.empty()) {
    return usage(has_text ? "give either JSON or --text, not both" : "what is the data? Give JSON, or --text STRING");
  }
  if (has_text) {
    apps::append_json_string(single.data, raw.text);
    return {};
  }
  single.data = positionals.front();
  codec::JsonTraits traits;
  codec::JsonFault fault;
  if (!codec::validate_json(single.data, codec::nesting_max - 1, traits, fault)) {
    return usage(apps::in_quotes(single.data) + " is not JSON: " + fault.what + " (byte " +
                 std::to_string(fault.offset) + "); to send it as a text, use --text");
  }
  return {};
}

Status read_single(const apps::OptionTable& table, const Raw& raw, Single& single) {
  if (raw.account.empty()) return usage("whose event is it? Give the account with -a ID");
  const auto account_id = parse_account(raw.account);
  if (!account_id) {
    return usage("--account: " + apps::in_quotes(raw.account) + " is no integer from 1 to 9223372036854775807");
  }
  if (auto status = read_data(table, raw, single); !status) return status;
  if (!raw.id.empty() && !codec::is_event_id(raw.id)) {
    return usage("--id: " + apps::in_quotes(raw.id) + " is not 1 to 64 characters of A-Za-z0-9._:-");
  }
  if (!raw.occurred_at.empty()) {
    single.event.occurred_at = codec::parse_rfc3339(raw.occurred_at);
    if (!single.event.occurred_at) return usage("--occurred-at: is no RFC 3339 time: 2026-11-23T20:24:06Z");
  }
  single.event.account_id = *account_id;
  single.event.id = raw.id;
  single.event.data = single.data;
  return {};
}

int track_one(const TrackSettings& settings, const Event& event) {
  const auto client = TrackClient::open(settings);
  if (!client) {
    say_failure(client.error());
    return exit_code_of_opening(client.error());
  }
  const Receipt receipt = (*client)->track({event}).front();
  if (receipt.code == Code::ok) return print(to_json(receipt) + "\n");
  const Status connection = (*client)->connection();
  if (connection.code() == Code::could_not_connect) {
    say_failure(connection);
    return settings.retries ? exit_failed : exit_could_not_connect;
  }
  std::string message(name(receipt.code));
  if (receipt.code == Code::in_doubt) message.append(": id ").append(receipt.id);
  say(message + ": " + explain(receipt.code, event.account_id));
  return exit_failed;
}

}  // namespace

void describe_track(const TableReader& read) {
  apps::OptionTable table(program_text());
  Raw raw;
  describe(table, raw);
  read(table);
}

int run_track(Arguments arguments) {
  apps::OptionTable table(program_text());
  Raw raw;
  describe(table, raw);
  const auto status = table.parse(arguments);
  if (raw.help) return print(table.help());
  if (!status) return table.report(status);
  if (!raw.ack.empty()) raw.settings.ack = raw.ack == "stored" ? AckLevel::stored : AckLevel::sent;
  raw.settings.retries = !raw.no_retry;

  const bool is_lines = !table.positionals().empty() && table.positionals().front() == "-";
  raw.settings.retry_time = raw.retry_time.value_or(is_lines ? retry_time_lines : retry_time_one);
  if (is_lines) {
    for (const char* name : {"account", "text", "id", "occurred-at"}) {
      if (table.find(name).is_set()) {
        return table.report(usage(std::string("--") + name + " does not go with -: each line says its own"));
      }
    }
    return track_lines(raw.settings);
  }
  Single single;
  if (const auto wrong = read_single(table, raw, single); !wrong) return table.report(wrong);
  return track_one(raw.settings, single.event);
}

}  // namespace tracking::cli
