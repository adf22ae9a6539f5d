#include "nats/link.h"

#include <sys/socket.h>

namespace tracking::nats_io {

std::string last_error(natsStatus status) {
  natsStatus last = NATS_OK;
  const char* text = nats_GetLastError(&last);
  if (last == status && text && *text) return text;
  return natsStatus_GetText(status);
}

Result<std::shared_ptr<Link>> Link::connect(natsOptions* options, std::function<void()> changed) {
  std::shared_ptr<Link> link(new Link(std::move(changed)));
  natsStatus status = natsOptions_SetEventLoop(options, link.get(), attach, set_reading, set_writing, detach);
  if (status == NATS_OK) status = natsConnection_Connect(&link->connection_, options);
  if (status != NATS_OK) {
    const bool is_refused = status == NATS_CONNECTION_AUTH_FAILED || status == NATS_NOT_PERMITTED;
    return {is_refused ? Code::unauthorized : Code::could_not_connect, last_error(status)};
  }
  link->payload_bytes_max_ = static_cast<std::size_t>(natsConnection_GetMaxPayload(link->connection_));
  link->heard_ = std::chrono::steady_clock::now();
  return link;
}

// The link is lost by now, or connect() failed: there is no socket left that closing it here could race for.
Link::~Link() {
  if (connection_) natsConnection_Destroy(connection_);
}

std::string Link::reason() const {
  {
    const std::lock_guard lock(mutex_);
    if (!cut_reason_.empty()) return cut_reason_;
  }
  const char* text = nullptr;
  const natsStatus status = natsConnection_GetLastError(connection_, &text);
  if (status == NATS_OK || status == NATS_CONNECTION_CLOSED || !text || !*text) return "the server closed it";
  return text;
}

void Link::process_read() {
  heard_ = std::chrono::steady_clock::now();
  natsConnection_ProcessReadEvent(connection_);
}

// With nothing to send, cnats would take the 0 that send() answers for the end of the connection.
void Link::process_write() {
  if (has_unsent_) natsConnection_ProcessWriteEvent(connection_);
}

// cnats has no call that only sends a PING; waiting for the shortest time is nearest to it.
void Link::ping() noexcept { natsConnection_FlushTimeout(connection_, 1); }

void Link::cut(std::string reason) noexcept {
  const std::lock_guard lock(mutex_);
  if (!is_open_) return;
  if (cut_reason_.empty()) cut_reason_ = std::move(reason);
  ::shutdown(descriptor_, SHUT_RDWR);
}

natsStatus Link::attach(void** user, void* loop, natsConnection*, natsSock descriptor) {
  auto* link = static_cast<Link*>(loop);
  *user = link;
  const std::lock_guard lock(link->mutex_);
  link->descriptor_ = descriptor;
  link->is_open_ = true;
  link->is_lost_ = false;
  return NATS_OK;
}

// cnats stops reading right before it closes the socket, and for no other reason.
natsStatus Link::set_reading(void* user, bool is_wanted) {
  auto* link = static_cast<Link*>(user);
  const std::lock_guard lock(link->mutex_);
  if (!is_wanted) link->is_open_ = false;
  return NATS_OK;
}

natsStatus Link::set_writing(void* user, bool is_wanted) {
  auto* link = static_cast<Link*>(user);
  link->has_unsent_ = is_wanted;
  if (is_wanted) link->changed_();
  return NATS_OK;
}

natsStatus Link::detach(void* user) {
  auto* link = static_cast<Link*>(user);
  link->is_lost_ = true;
  link->changed_();
  return NATS_OK;
}

}  // namespace tracking::nats_io
