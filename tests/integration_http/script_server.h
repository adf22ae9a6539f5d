// A server that does to each connection what the test says: half answers, cuts, silence.
#pragma once

#include <tracking/subscription.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tracking::test {

/// One accepted connection, as the script sees it. Its functions end early when the server is stopped.
class Peer {
 public:
  explicit Peer(int socket) : socket_(socket) {}

  /// Waits for a request with its body; empty if the client went away.
  std::string read_request();
  /// False if the client went away.
  bool send(std::string_view bytes);
  /// A chunk of a chunked body.
  bool send_chunk(std::string_view bytes);
  /// The head of a stream, and its opening position.
  bool open_stream(std::string_view cursor);
  /// The whole answer, with its length.
  bool answer(int status, std::string_view body, std::string_view content_type = "application/json");
  bool problem(int status, std::string_view type, std::string_view detail);
  /// Waits until the client closes.
  void wait_closed();
  /// How much of endless bytes fits into the buffers of an unread connection.
  std::size_t send_until_stuck(std::string_view bytes, std::size_t bytes_max);

 private:
  const int socket_;
  std::string unread_;
};

class ScriptServer {
 public:
  /// Called for each connection, numbered from 0, on a thread of its own. The connection is closed when it returns.
  using Script = std::function<void(Peer& peer, int connection)>;

  /// Port 0 = any free one.
  explicit ScriptServer(Script script, int port = 0);
  ~ScriptServer();

  int port() const { return port_; }
  std::string url(std::string_view query = "") const;
  /// Connections accepted so far.
  int connections() const { return connections_; }

 private:
  void accept_all();

  const Script script_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  std::atomic<bool> is_stopping_{false};
  std::mutex mutex_;
  std::vector<int> sockets_;          // guarded by mutex_; open ones
  std::vector<std::thread> threads_;  // used by the accepting thread until it ends
  std::thread acceptor_;
};

/// A port on which nothing listens, and that nobody else is given.
int unused_port();

/// The first line of a request.
std::string request_line(const std::string& request);
std::string request_body(const std::string& request);

/// Waits for a condition that another thread brings about. False: it took too long.
bool eventually(const std::function<bool()>& condition);

/// A position of the script's log.
Cursor position(std::uint64_t number);
std::string cursor(std::uint64_t number);
/// The line of the event at that position.
std::string event_line(std::uint64_t number, AccountId account_id, std::string_view data = "\"foo\"");
/// The same as a frame of the stream.
std::string event_frame(std::uint64_t number, AccountId account_id, std::string_view data = "\"foo\"");

}  // namespace tracking::test
