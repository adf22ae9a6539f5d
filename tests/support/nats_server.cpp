#include "support/nats_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace tracking::test {
namespace {

using namespace std::chrono_literals;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

bool is_listening(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const bool result = ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(socket);
  return result;
}

// In the child: dies with the thread that started it, so that no server is left behind.
[[noreturn]] void become_server(const std::string& config, const std::string& log) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execlp("nats-server", "nats-server", "-c", config.c_str(), static_cast<char*>(nullptr));
  ::_exit(127);
}

}  // namespace

NatsServer::NatsServer() : NatsServer(Options{}) {}

NatsServer::NatsServer(Options options) : options_(std::move(options)) {
  std::string name = (std::filesystem::temp_directory_path() / "tracking-nats-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
  folder_ = name;
}

NatsServer::~NatsServer() {
  end(SIGKILL);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void NatsServer::start() {
  end(SIGKILL);
  write_config();
  const std::string config = folder_ / "nats.conf";
  const std::string log = folder_ / "nats.log";
  process_ = ::fork();
  if (process_ == 0) become_server(config, log);
  wait_until_listening();
}

void NatsServer::start(const std::string& config) {
  options_.config = config;
  start();
}

void NatsServer::write_config() const {
  std::ofstream file(folder_ / "nats.conf");
  file << "listen: \"127.0.0.1:" << port() << "\"\n";
  if (options_.with_jetstream) file << "jetstream { store_dir: " << (folder_ / "jetstream") << " }\n";
  file << options_.config << '\n';
}

void NatsServer::wait_until_listening() {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!is_listening(port())) {
    const bool has_ended = ::waitpid(process_, nullptr, WNOHANG) == process_;
    if (has_ended) process_ = -1;
    if (has_ended || std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("nats-server did not start:\n" + log());
    std::this_thread::sleep_for(5ms);
  }
}

void NatsServer::end(int signal) {
  if (process_ < 0) return;
  ::kill(process_, signal);
  ::kill(process_, SIGCONT);
  ::waitpid(process_, nullptr, 0);
  process_ = -1;
}

void NatsServer::stop() { end(SIGTERM); }
void NatsServer::kill() { end(SIGKILL); }
void NatsServer::freeze() {
  ::kill(process_, SIGSTOP);
  ::waitpid(process_, nullptr, WUNTRACED);  // its threads stop one after the other
}

void NatsServer::thaw() { ::kill(process_, SIGCONT); }

void NatsServer::reload(const std::string& config) {
  options_.config = config;
  write_config();
  ::kill(process_, SIGHUP);
}

std::string NatsServer::url(const std::string& user, const std::string& scheme) const {
  return scheme + "://" + user + "127.0.0.1:" + std::to_string(port());
}

std::string NatsServer::log() const {
  std::stringstream text;
  text << std::ifstream(folder_ / "nats.log").rdbuf();
  return text.str();
}

}  // namespace tracking::test
