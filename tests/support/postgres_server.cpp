#include "support/postgres_server.h"

#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace tracking::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* superuser = "tracking";

std::filesystem::path programs() {
  std::vector<std::filesystem::path> found;
  std::error_code ignored;
  for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", ignored)) {
    if (std::filesystem::exists(version.path() / "bin/initdb")) found.push_back(version.path() / "bin");
  }
  if (found.empty()) throw std::runtime_error("PostgreSQL is not installed: scripts/install-packages test");
  return *std::max_element(found.begin(), found.end());
}

const passwd* other_user() { return ::getuid() == 0 ? ::getpwnam("postgres") : nullptr; }

/// Starts a program of PostgreSQL. It does not outlive us, and says what it has to say in `log`.
pid_t spawn(const std::vector<std::string>& command, const std::filesystem::path& log) {
  const passwd* const user = other_user();
  const std::string path = (programs() / command[0]).string();
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t process = ::fork();
  if (process != 0) return process;
  if (user && (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0))
    ::_exit(126);
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
  ::setsid();
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  ::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
  ::execv(path.c_str(), arguments.data());
  ::_exit(127);
}

struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};

}  // namespace

PostgresServer& PostgresServer::shared() {
  static PostgresServer server;
  return server;
}

PostgresServer::PostgresServer() {
  std::string name = (std::filesystem::temp_directory_path() / "tracking-postgres-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
  folder_ = name;
  if (const passwd* user = other_user(); user && ::chown(name.c_str(), user->pw_uid, user->pw_gid) != 0) {
    throw std::runtime_error("cannot give the folder to user postgres");
  }
  int status = 0;
  const pid_t initdb = spawn({"initdb", "--pgdata", name + "/data", "--username", superuser, "--auth=trust",
                              "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"},
                             folder_ / "log");
  ::waitpid(initdb, &status, 0);
  if (status != 0) throw std::runtime_error("initdb failed:\n" + log());
  start();
}

PostgresServer::~PostgresServer() {
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void PostgresServer::start() {
  if (process_ > 0) return;
  const std::string folder = folder_.string();
  process_ = spawn({"postgres",
                    "-D",
                    folder + "/data",
                    "-p",
                    std::to_string(port()),
                    "-c",
                    "listen_addresses=127.0.0.1",
                    "-c",
                    "unix_socket_directories=" + folder,
                    "-c",
                    "fsync=off",
                    "-c",
                    "full_page_writes=off",
                    "-c",
                    "log_line_prefix=%d ",
                    "-c",
                    "shared_buffers=16MB",
                    "-c",
                    "log_statement=all",
                    "-c",
                    "autovacuum=off",
                    "-c",
                    "wal_level=logical"},
                   folder_ / "log");
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (PQping(url("postgres").c_str()) != PQPING_OK) {
    if (::waitpid(process_, nullptr, WNOHANG) != 0) process_ = -1;
    if (process_ < 0 || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("PostgreSQL did not start:\n" + log());
    }
    std::this_thread::sleep_for(10ms);
  }
}

void PostgresServer::stop() {
  if (process_ < 0) return;
  thaw();
  ::kill(process_, SIGQUIT);
  ::waitpid(process_, nullptr, 0);
  process_ = -1;
}

void PostgresServer::freeze() {
  ::kill(process_, SIGSTOP);  // first, so that no child is born meanwhile
  signal_all(SIGSTOP);
  is_frozen_ = true;
}

void PostgresServer::thaw() {
  if (!is_frozen_) return;
  signal_all(SIGCONT);
  is_frozen_ = false;
}

void PostgresServer::signal_all(int number) const {
  for (const pid_t process : processes()) ::kill(process, number);
}

/// The server and its children.
std::vector<pid_t> PostgresServer::processes() const {
  std::vector<pid_t> found{process_};
  std::ifstream children("/proc/" + std::to_string(process_) + "/task/" + std::to_string(process_) + "/children");
  for (pid_t child; children >> child;) found.push_back(child);
  return found;
}

std::string PostgresServer::new_database() {
  std::string name = "test_" + std::to_string(++databases_);
  sql("postgres", "CREATE DATABASE " + name);
  return name;
}

std::string PostgresServer::url(const std::string& database, const std::string& query) const {
  return "postgresql://" + std::string(superuser) + "@127.0.0.1:" + std::to_string(port()) + "/" + database + query;
}

std::string PostgresServer::sql(const std::string& database, const std::string& statements) const {
  const std::unique_ptr<PGconn, Finish> connection(PQconnectdb(url(database).c_str()));
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), statements.c_str()), PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    throw std::runtime_error(statements + ": " + PQerrorMessage(connection.get()));
  }
  const bool has_value = PQntuples(result.get()) > 0 && PQnfields(result.get()) > 0;
  return has_value ? PQgetvalue(result.get(), 0, 0) : "";
}

std::string PostgresServer::log() const {
  std::ostringstream text;
  text << std::ifstream(folder_ / "log").rdbuf();
  return text.str();
}

}  // namespace tracking::test
