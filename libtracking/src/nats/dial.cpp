#include "nats/dial.h"

namespace tracking::nats_io {
namespace {

constexpr std::int64_t connect_timeout_ms = 2'000;  // as cnats has it
constexpr std::int64_t write_deadline_ms = 1'000;   // TLS alone waits in a write, with the connection's lock held
constexpr int io_buffer_bytes = 64 << 10;           // of one read; a TLS record (16 KiB) must fit

// Runs the steps until one fails.
class Steps {
 public:
  void operator()(natsStatus status, const std::string& what) {
    if (failure_ || status == NATS_OK) return;
    failure_ = Status(Code::invalid_parameter, what + ": " + last_error(status));
  }
  const std::optional<Status>& failure() const { return failure_; }

 private:
  std::optional<Status> failure_;
};

void set_credentials(natsOptions* to, const Options& options, Steps& step) {
  std::string password = options.password;
  std::string token = options.token;
  for (const auto& [path, secret] : {std::pair(&options.password_file, &password), {&options.token_file, &token}}) {
    if (path->empty()) continue;
    auto read = read_secret(*path);
    if (!read) return step(NATS_ERR, read.error().message());
    *secret = std::move(*read);
  }
  if (!options.nkey_file.empty()) {
    step(natsOptions_SetNKeyFromSeed(to, options.user.c_str(), options.nkey_file.c_str()), "nkey_file");
  } else if (!options.user.empty()) {
    step(natsOptions_SetUserInfo(to, options.user.c_str(), password.c_str()), "user");
  }
  if (!token.empty()) step(natsOptions_SetToken(to, token.c_str()), "token");
  const auto& file = options.credentials_file;
  if (!file.empty()) step(natsOptions_SetUserCredentialsFromFiles(to, file.c_str(), nullptr), "creds");
}

void set_tls(natsOptions* to, const Options& options, Steps& step) {
  if (!options.wants_tls) return;
  step(natsOptions_SetSecure(to, true), "tls");
  if (!options.tls_ca.empty()) step(natsOptions_LoadCATrustedCertificates(to, options.tls_ca.c_str()), "tls_ca");
  if (!options.tls_cert.empty())
    step(natsOptions_LoadCertificatesChain(to, options.tls_cert.c_str(), options.tls_key.c_str()), "tls_cert");
}

}  // namespace

Result<NatsOptions> make_nats_options(const Options& options, const std::string& server) {
  natsOptions* raw = nullptr;
  const auto created = natsOptions_Create(&raw);
  NatsOptions made(raw);
  Steps step;
  step(created, "options");
  if (step.failure()) return *step.failure();
  step(natsOptions_SetURL(raw, server.c_str()), server);
  step(natsOptions_SetName(raw, options.name.c_str()), "name");
  step(natsOptions_SetTimeout(raw, connect_timeout_ms), "timeout");
  step(natsOptions_SetWriteDeadline(raw, write_deadline_ms), "write deadline");
  step(natsOptions_SetIOBufSize(raw, io_buffer_bytes), "buffer");
  // A Link lives as long as its connection; pings are the keeper's, which knows a steady clock.
  step(natsOptions_SetAllowReconnect(raw, false), "reconnect");
  step(natsOptions_SetIgnoreDiscoveredServers(raw, false), "discovery");
  step(natsOptions_SetPingInterval(raw, 0), "ping interval");
  // In event-loop mode "send at once" means: say at once that there is something to send. Otherwise a thread of cnats
  // would say so, a millisecond later.
  step(natsOptions_SetSendAsap(raw, true), "send");
  set_credentials(raw, options, step);
  set_tls(raw, options, step);
  if (step.failure()) return *step.failure();
  return made;
}

}  // namespace tracking::nats_io
