// Sockets that never block, for the load loop.
#pragma once

#include <tracking/status.h>

#include <sys/socket.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace tracking::cli {

/// Where the server is.
struct Address {
  sockaddr_storage storage{};
  socklen_t bytes = 0;
};
Result<Address> resolve(const std::string& host, const std::string& port);

/// As many descriptors as this user may have.
void raise_descriptor_limit();

/// A connection, closed with its owner. Its functions do not block.
class LoadSocket {
 public:
  LoadSocket() = default;
  ~LoadSocket() { close(); }
  LoadSocket(LoadSocket&& other) noexcept;
  LoadSocket& operator=(LoadSocket&& other) noexcept;

  /// Begins to connect; writable when that is decided. Returns 0 or errno.
  int connect(const Address& address);
  /// After it became writable: 0 if it is connected, else errno.
  int connect_error() const;
  /// Sends as much as there is room for. Returns how much; -1: the connection is broken.
  std::ptrdiff_t send(std::string_view bytes) const;
  /// What has come. 0: nothing now; -1: it has ended or is broken.
  std::ptrdiff_t receive(std::span<char> buffer) const;
  void close();

  int descriptor() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

}  // namespace tracking::cli
