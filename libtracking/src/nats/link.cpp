#include "nats/link.h"

#include <sys/socket.h>

#include <utility>

#include "codec/no_memory.h"

namespace tracking::nats_io {

/// cnats calls its error handler on a thread of its own, maybe when the Link is gone: so the handler looks it up here.
/// A connection's address is not used again before the handler is through. A handful, which lead to one another: to put
/// in one that is connected needs no memory.
class Links {
 public:
  void add(Link* link) noexcept {
    const std::lock_guard lock(mutex_);
    link->next_ = std::exchange(first_, link);
  }
  void remove(const Link* link) noexcept {
    const std::lock_guard lock(mutex_);
    for (Link** at = &first_; *at; at = &(*at)->next_) {
      if (*at != link) continue;
      *at = link->next_;
      return;
    }
  }
  template <class Use>
  void with(natsConnection* connection, Use use) noexcept {
    const std::lock_guard lock(mutex_);
    for (Link* link = first_; link; link = link->next_) {
      if (link->connection_ == connection) return use(*link);
    }
  }

 private:
  std::mutex mutex_;
  Link* first_ = nullptr;  // guarded by mutex_
};

namespace {

Links links;

Code what_failed(natsStatus connecting, bool is_secure) {
  switch (connecting) {
    case NATS_CONNECTION_AUTH_FAILED:
    case NATS_NOT_PERMITTED:
      return Code::unauthorized;
    case NATS_SSL_ERROR:
    case NATS_SECURE_CONNECTION_WANTED:
    case NATS_SECURE_CONNECTION_REQUIRED:
      return Code::forbidden;
    case NATS_NO_SERVER:
    case NATS_TIMEOUT:
      return Code::could_not_connect;
    default:
      // With TLS 1.3 the server looks at our certificate when we believe to be connected, and then closes.
      return is_secure ? Code::forbidden : Code::could_not_connect;
  }
}

}  // namespace

std::string last_error(natsStatus status) {
  natsStatus last = NATS_OK;
  const char* text = nats_GetLastError(&last);
  if (last != status || !text || !*text) return natsStatus_GetText(status);
  // "(conn.c:2088): No server available for connection": where it says so in cnats is nobody's business.
  const std::string_view words = text;
  const auto place_end = words.starts_with('(') ? words.find("): ") : words.npos;
  return std::string(place_end == words.npos ? words : words.substr(place_end + 3));
}

Result<std::shared_ptr<Link>> Link::connect(natsOptions* options, bool is_secure, Callbacks callbacks) {
  std::shared_ptr<Link> link(new Link(std::move(callbacks)));
  natsStatus status = natsOptions_SetEventLoop(options, link.get(), attach, set_reading, set_writing, detach);
  if (status == NATS_OK) status = natsOptions_SetErrorHandler(options, handle_error, nullptr);
  if (status == NATS_OK) status = natsConnection_Connect(&link->connection_, options);
  if (status != NATS_OK) return {what_failed(status, is_secure), last_error(status)};
  link->payload_bytes_max_ = static_cast<std::size_t>(natsConnection_GetMaxPayload(link->connection_));
  link->heard_ = std::chrono::steady_clock::now();
  links.add(link.get());
  return link;
}

// The link is lost by now, or connect() failed: there is no socket left that closing it here could race for.
Link::~Link() {
  if (!connection_) return;
  links.remove(this);
  natsConnection_Destroy(connection_);
}

void Link::handle_error(natsConnection* connection, natsSubscription*, natsStatus status, void*) {
  if (status != NATS_NOT_PERMITTED) return;
  natsStatus last = NATS_OK;
  const char* text = nats_GetLastError(&last);
  links.with(connection, [&](Link& link) { link.note_refusal(text ? text : ""); });
}

// "Permissions Violation for Publish to "tracking.events.1"", or "... for Subscription to ...".
// One that there is no memory to note is noted with the next.
void Link::note_refusal(const char* text) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (std::string_view(text).find("Subscription") != std::string_view::npos) {
      ++subscribe_refusals_;
    } else {
      has_memory_for([&] { publish_refusal_ = text; });
    }
  }
  refused_.notify_all();
  callbacks_.refused();
}

std::optional<std::string> Link::take_publish_refusal() {
  const std::lock_guard lock(mutex_);
  return std::exchange(publish_refusal_, std::nullopt);
}

std::optional<std::string> Link::wait_publish_refusal(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  refused_.wait_for(lock, time, [this] { return publish_refusal_.has_value(); });
  return std::exchange(publish_refusal_, std::nullopt);
}

std::uint64_t Link::subscribe_refusals(std::uint64_t known, std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  refused_.wait_for(lock, time, [&] { return subscribe_refusals_ > known; });
  return subscribe_refusals_;
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

void Link::cut(std::string_view reason) noexcept {
  const std::lock_guard lock(mutex_);
  if (!is_open_) return;
  if (cut_reason_.empty() && !has_memory_for([&] { cut_reason_ = reason; })) cut_reason_ = "no memory";
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
  if (is_wanted) link->callbacks_.changed();
  return NATS_OK;
}

natsStatus Link::detach(void* user) {
  auto* link = static_cast<Link*>(user);
  link->is_lost_ = true;
  link->callbacks_.changed();
  return NATS_OK;
}

}  // namespace tracking::nats_io
