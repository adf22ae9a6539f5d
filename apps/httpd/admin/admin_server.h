// cpp-httplib's server with what it lacks towards strangers: strict and bounded heads, deadlines, an exclusive bind, a
// bounded pool, and no select(): it must also work when the public listener has taken thousands of descriptors.
#pragma once

#include "request_head.h"

#include <tracking/status.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tracking::httpd {

/// A request whose body has been read. Borrowed for the handler's call.
struct AdminRequest {
  const AdminRequestHead& head;
  std::string_view body;
};

struct AdminAnswer {
  int status = 200;
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;

  static AdminAnswer json(int status, std::string body);
  static AdminAnswer problem(Code code, std::string_view detail);
};

/// Both run on several threads at once.
struct AdminHandlers {
  /// Says whether the body is worth reading: an answer refuses the request. It gets a head without faults.
  std::function<std::optional<AdminAnswer>(const AdminRequestHead&)> refuse;
  std::function<AdminAnswer(const AdminRequest&)> answer;
};

class AdminServer {
 public:
  /// Binds exclusively. Nothing is served before start().
  static Result<std::unique_ptr<AdminServer>> bind(const std::string& host, std::uint16_t port, AdminHandlers handlers);
  /// Stops, if that was not done.
  ~AdminServer();

  std::uint16_t port() const noexcept;
  void start();
  /// Lets requests under way finish, closes the rest. Idempotent.
  void stop();

 private:
  class Server;
  explicit AdminServer(std::unique_ptr<Server> server);
  std::unique_ptr<Server> server_;
};

}  // namespace tracking::httpd
