// One connection to a server: requests and streams that another thread can interrupt at any moment, also while a
// connection is being made. The only part that knows cpp-httplib.
#pragma once

#include "http/endpoint.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace tracking::remote {

/// How far a request came; it decides whether a repeat is safe.
enum class Reach : std::uint8_t {
  no_connection,  ///< nothing left this machine
  not_sent,       ///< the request did not leave whole
  no_answer,      ///< it was sent, and what became of it is unknown
  answered,       ///< a status came; `is_whole` says whether the body did
};

struct Answer {
  Reach reach = Reach::no_connection;
  std::string reason = {};  ///< why there is no whole answer: "connection refused, ..."
  int status = 0;
  std::string content_type = {};  ///< without parameters, in lower case
  std::chrono::seconds retry_after{0};
  std::string body = {};      ///< bounded; empty if a sink took it
  bool is_whole = false;      ///< the body came to its own end, not to the connection's
  bool lacks_memory = false;  ///< there was none to send, to receive, or for the sink
};

/// Takes an answer's body while it comes. What it throws ends the exchange.
class BodySink {
 public:
  /// The head came with status 200. False: do not read on.
  virtual bool begin(const Answer& head) = 0;
  /// False: do not read on. May wait: then the server's writes wait too.
  virtual bool take(std::string_view piece) = 0;

 protected:
  ~BodySink() = default;
};

struct Request {
  std::string method = "GET";
  std::string path;  ///< with its query, percent-encoded
  std::string accept = "application/json";
  std::string body = {};
  std::string content_type = {};  ///< of the body
  std::string token = {};         ///< bearer token; empty = none
};

struct ConnectionOptions {
  std::chrono::milliseconds connect_timeout;
  std::chrono::milliseconds read_timeout;  ///< of silence
  bool is_reused = true;                   ///< kept open for the next request
};

/// exchange() is called by one thread at a time; interrupt() by any.
class Connection {
 public:
  /// `is_wanted` is asked on the exchanging thread before each attempt to connect; once it is false, none is made. What
  /// makes it false must happen before interrupt() is called: then no exchange can miss both.
  Connection(const Address& address, const ConnectionOptions& options, std::function<bool()> is_wanted = {});
  ~Connection();

  /// Sends and waits. Does not throw. Other answers than 200 never reach the sink.
  Answer exchange(Request request, BodySink* sink = nullptr) noexcept;

  /// Cuts the exchange under way, if any.
  void interrupt() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tracking::remote
