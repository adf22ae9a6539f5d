// tracking-cli accounts: the administration of accounts.
#include "common/options.h"
#include "common/text.h"
#include "connection_options.h"
#include "exit_codes.h"
#include "terminal.h"
#include "verb.h"

#include <tracking/service.h>

#include <algorithm>
#include <array>

namespace tracking::cli {
namespace {

constexpr std::array<std::string_view, 7> actions = {"list",       "add",    "show",  "activate",
                                                     "deactivate", "rename", "remove"};

struct Settings {
  std::string admin_url = "http://127.0.0.1:8081";
  std::string admin_token;
  std::string output = "text";
  bool help = false;
};

apps::ProgramText program_text() {
  return {.program = "tracking-cli accounts",
          .usage = "(list | add ID NAME | show ID | activate ID | deactivate ID | rename ID NAME | remove ID)",
          .summary = "Changes the accounts of a server through its admin listener. A change holds within a second.",
          .epilogue =
              "Exit codes: 0 done, 1 failed, 2 wrong usage.\n\n"
              "Examples:\n"
              "  tracking-cli accounts add 7 \"Acme\"\n"
              "  tracking-cli accounts list\n"
              "  tracking-cli accounts deactivate 7\n"
              "  tracking-cli accounts list -o json | jq -r 'select(.is_active).id'\n",
          .positionals_max = 3,
          .words = {actions.begin(), actions.end()}};
}

void describe(apps::OptionTable& table, Settings& settings) {
  table.section("Options");
  table.url("admin-url", settings.admin_url).value("URL").help("The server's admin listener: http://host:port.");
  table.secret("admin-token", settings.admin_token).help("The token that the admin listener asks for.");
  table.choice("output", settings.output, {"text", "json"})
      .letter('o')
      .only_flag()
      .help("text to read; json, an account a line.");
  table.flag("help", settings.help).letter('h').only_flag().help("Shows this.");
}

std::string to_json(const Account& account) {
  std::string json = "{\"id\":" + std::to_string(account.id) + ",\"name\":";
  apps::append_json_string(json, account.name);
  return json + ",\"is_active\":" + (account.is_active ? "true" : "false") + "}\n";
}

std::string to_text(const Account& account, std::size_t id_width) {
  std::string id = std::to_string(account.id);
  id.insert(0, id_width > id.size() ? id_width - id.size() : 0, ' ');
  return id + (account.is_active ? "  active    " : "  inactive  ") + printable(account.name) + "\n";
}

// One run of the verb, on one account or on the list.
class Accounts {
 public:
  Accounts(TrackingService& service, bool is_json) : service_(service), is_json_(is_json) {}

  int list();
  int show(AccountId id);
  int change(AccountId id, const AccountChange& change);
  int add(AccountId id, const std::string& name);
  int remove(AccountId id);

 private:
  /// Text says on stderr what was done: stdout is for what was asked for. json is the account as it is then.
  int done(const Account& account, const std::string& what);
  int failed(const Status& status, std::optional<AccountId> id);

  TrackingService& service_;
  const bool is_json_;
};

int Accounts::failed(const Status& status, std::optional<AccountId> id) {
  // Here "not found" is about the account if there is one to ask for.
  const bool is_account = status.code() == Code::not_found && id;
  say_failure(is_account ? Status(Code::unknown_account, status.message()) : status, id);
  return exit_failed;
}

int Accounts::list() {
  constexpr std::size_t page = 1'000;
  AccountId after = 0;
  for (;;) {
    const auto accounts = service_.list_accounts(after, page);
    if (!accounts) return failed(accounts.error(), std::nullopt);
    if (accounts->empty()) return exit_done;
    std::string text;
    const std::size_t width = std::to_string(accounts->back().id).size();
    for (const Account& account : *accounts) text += is_json_ ? to_json(account) : to_text(account, width);
    if (const auto written = write_stdout(text); written != Written::ok) {
      return written == Written::failed ? exit_failed : exit_done;
    }
    if (accounts->back().id <= after) return exit_done;  // a server that goes in circles
    after = accounts->back().id;
  }
}

int Accounts::done(const Account& account, const std::string& what) {
  if (is_json_) return print(to_json(account));
  say(what);
  return exit_done;
}

int Accounts::show(AccountId id) {
  const auto account = service_.get_account(id);
  if (!account) return failed(account.error(), id);
  return print(is_json_ ? to_json(*account) : to_text(*account, 0));
}

int Accounts::change(AccountId id, const AccountChange& change) {
  const auto account = service_.change_account(id, change);
  if (!account) return failed(account.error(), id);
  return done(*account, "account " + std::to_string(id) + " (" + printable(account->name) + ") is " +
                            (account->is_active ? "active" : "inactive"));
}

int Accounts::add(AccountId id, const std::string& name) {
  const Account account{.id = id, .name = name, .is_active = true};
  if (const auto status = service_.add_account(account); !status) return failed(status, id);
  return done(account, "added account " + std::to_string(id) + " (" + printable(name) + "), active");
}

int Accounts::remove(AccountId id) {
  if (const auto status = service_.remove_account(id); !status) return failed(status, id);
  const std::string text = std::to_string(id);
  if (is_json_) return print("{\"id\":" + text + ",\"removed\":true}\n");
  say("removed account " + text);
  return exit_done;
}

// What was asked for: the words behind "accounts".
struct Command {
  std::string action;
  AccountId id = 0;
  std::string name;
};

Result<Command> read_command(const std::vector<std::string>& words) {
  const auto usage = [](std::string message) { return Status(Code::invalid_parameter, std::move(message)); };
  if (words.empty()) return usage("what is to be done? list, add, show, activate, deactivate, rename or remove");
  Command command;
  command.action = words[0];
  if (std::find(actions.begin(), actions.end(), command.action) == actions.end()) {
    return usage("there is no " + apps::in_quotes(command.action) +
                 ": there are list, add, show, activate, deactivate, rename and remove");
  }
  const bool has_name = command.action == "add" || command.action == "rename";
  const std::size_t words_wanted = command.action == "list" ? 1 : has_name ? 3 : 2;
  if (words.size() != words_wanted) {
    const char* form = words_wanted == 1 ? "" : has_name ? " ID NAME" : " ID";
    return usage("the form is: tracking-cli accounts " + command.action + form);
  }
  if (words_wanted == 1) return command;
  const auto id = parse_account(words[1]);
  if (!id) return usage(apps::in_quotes(words[1]) + " is no account id: an integer from 1 to 9223372036854775807");
  command.id = *id;
  if (has_name) command.name = words[2];
  return command;
}

int execute(TrackingService& service, const Settings& settings, const Command& command) {
  Accounts accounts(service, settings.output == "json");
  if (command.action == "list") return accounts.list();
  if (command.action == "add") return accounts.add(command.id, command.name);
  if (command.action == "show") return accounts.show(command.id);
  if (command.action == "activate") return accounts.change(command.id, {.is_active = true});
  if (command.action == "deactivate") return accounts.change(command.id, {.is_active = false});
  if (command.action == "rename") return accounts.change(command.id, {.name = command.name});
  return accounts.remove(command.id);
}

}  // namespace

void describe_accounts(const TableReader& read) {
  apps::OptionTable table(program_text());
  Settings settings;
  describe(table, settings);
  read(table);
}

int run_accounts(Arguments arguments) {
  apps::OptionTable table(program_text());
  Settings settings;
  describe(table, settings);
  const auto status = table.parse(arguments);
  if (settings.help) return print(table.help());
  if (!status) return table.report(status);
  const auto command = read_command(table.positionals());
  if (!command) return table.report(command.error());

  auto context = connect_to(settings.admin_url);
  if (!context) return table.report(context.error());
  context->url.parameters.emplace("admin", settings.admin_url);
  if (!settings.admin_token.empty()) context->url.parameters.emplace("admin_token", settings.admin_token);
  const auto service = backends().open_service(*context, {});
  if (!service) return table.report(service.error());
  return execute(**service, settings, *command);
}

}  // namespace tracking::cli
