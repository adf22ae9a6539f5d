// Who may use the admin listener.
#pragma once

#include "admin_server.h"

#include <optional>
#include <string>

namespace tracking::httpd {

/// With a token, `/v1/*` needs it. Without one the listener is on loopback, where the danger is the user's own browser:
/// a page that points its own name at 127.0.0.1 (DNS rebinding) is known by its Host, and any page by its Origin or by
/// the content types that it may send without asking.
class Guard {
 public:
  explicit Guard(std::string token) : token_(std::move(token)) {}

  /// The answer that refuses the request, or nothing. Any thread.
  std::optional<AdminAnswer> refuse(const AdminRequestHead& head) const;

 private:
  std::optional<AdminAnswer> refuse_without_token(const AdminRequestHead& head) const;
  bool has_token(const AdminRequestHead& head) const noexcept;

  const std::string token_;
};

}  // namespace tracking::httpd
