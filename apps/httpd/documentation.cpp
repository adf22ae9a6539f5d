#include "documentation.h"

#include "settings.h"

#include <common/completion.h>
#include <common/man_page.h>

namespace tracking::httpd {
namespace {

std::string configuration_markdown(const apps::OptionTable& table) {
  return R"(# Configuration of tracking-httpd

<!-- Generated from the option table by `scripts/generate.sh`. Change apps/httpd/settings.cpp instead. -->

Every setting can come from four places; the first that has it wins:

1. the flag: `--max-data-size 64KiB`
2. the environment variable: `TRACKING_MAX_DATA_SIZE=64KiB`; an empty one counts as not set
3. the file named by `--config` or `TRACKING_CONFIG`, in TOML: `max-data-size = "64KiB"`; a key is the flag's name, and
   `-` and `_` are the same
4. the default

A wrong value is an error wherever it stands, also if another place overrides it: the daemon says in one line where the
value came from and exits with code 2. `--check-config` does only that; `--print-config` shows what is in force and where
it comes from. Variables that begin with `TRACKING_` and name no setting are ignored.

**Secrets.** The admin token has no flag of its own, because every user of a machine can read command lines. Put it into
a file (`--admin-token-file`, `TRACKING_ADMIN_TOKEN_FILE`, or the key `admin-token-file`; one line break at its end is not
part of it), or into the variable `TRACKING_ADMIN_TOKEN`. URLs may hold a password, so they can be read from files the
same way. No message, log record or `--print-config` shows a secret.

**Values.** Sizes: `512`, `64KiB`, `10MiB`, `1GiB` (powers of 1024), `kB`, `MB`, `GB` (powers of 1000). Durations:
`250ms`, `30s`, `5m`, `12h`, `7d`, and sums such as `1h30m`. Switches: `true` or `false` (also yes, no, on, off, 1, 0);
a flag alone means true.

```toml
# /etc/tracking.toml
listen = "0.0.0.0:8080"
admin-token-file = "/run/secrets/admin-token"
accounts = "sqlite:/var/lib/tracking/accounts.db"
max-data-size = "64KiB"
log-format = "json"
```
)" + table.markdown();
}

}  // namespace

std::string document(std::string_view name) {
  Settings settings;
  apps::OptionTable table(program_text());
  describe_settings(table, settings);
  const std::string program = table.program().program;
  if (name == "markdown") return configuration_markdown(table);
  if (name == "man") {
    return apps::man_page({.name = program,
                           .section = "8",
                           .summary = "takes events of accounts over HTTP, and shows them in real time",
                           .see_also = {"tracking-cli(1)", "systemd.service(5)"}},
                          table);
  }
  const apps::CompletedProgram completed{.name = program, .verbs = {{.table = &table}}};
  if (name == "bash") return apps::bash_completion(completed);
  return name == "zsh" ? apps::zsh_completion(completed) : apps::fish_completion(completed);
}

}  // namespace tracking::httpd
