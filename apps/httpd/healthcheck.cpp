#include "healthcheck.h"

#include <common/text.h>

#include <httplib.h>

#include <cstdio>

namespace tracking::httpd {
namespace {

int fail(const Address& address, const std::string& reason) {
  std::string text;
  apps::append_printable(text, reason.substr(0, 500));
  std::fprintf(stderr, "tracking-httpd: %s: %s\n", address.text().c_str(), text.c_str());
  return 1;
}

}  // namespace

int run_healthcheck(const Settings& settings) {
  auto address = settings.listen_address();
  if (address.port == 0) return fail(address, "port 0 is any free port: give the one to ask with --listen");
  // What listens on all addresses also listens on loopback.
  if (address.host == "0.0.0.0") address.host = "127.0.0.1";
  if (address.host == "::") address.host = "::1";

  httplib::Client client(address.host, address.port);
  client.set_connection_timeout(2);
  client.set_read_timeout(2);
  client.set_write_timeout(2);
  const auto answer = client.Get("/readyz");
  if (!answer) return fail(address, "does not answer: " + httplib::to_string(answer.error()));
  if (answer->status != 200)
    return fail(address, "not ready (" + std::to_string(answer->status) + "): " + answer->body);
  return 0;
}

}  // namespace tracking::httpd
