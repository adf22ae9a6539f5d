// One subscriber of GET /v1/events.
#pragma once

#include <tracking/web.h>

#include <cstdint>
#include <memory>
#include <string>

#include "server/inbox.h"

namespace tracking::httpd {

class Connection;
class LoopContext;

/// Turns a subscription into the bytes of SSE or NDJSON, as many as its connection has room for. It belongs to the
/// loop's thread; the subscription wakes it from any.
class EventStream final : public InboxItem {
 public:
  enum class State : std::uint8_t {
    more,   ///< there may be more at once
    idle,   ///< the connection is woken when there is more
    ended,  ///< nothing comes any more
  };

  /// Subscribes; live when it returns. Overloaded if there are too many subscribers.
  static Result<std::unique_ptr<EventStream>> open(LoopContext& context, Connection& connection,
                                                   web::StreamRequest request);
  ~EventStream() override;

  /// Appends the next few frames, about fill_bytes, in a chunk if `is_chunked`.
  State fill(std::string& out, bool is_chunked);
  /// What an idle stream sends from time to time.
  void append_heartbeat(std::string& out, bool is_chunked);
  /// SSE: where the stream starts. NDJSON says it in a header.
  void append_opening(std::string& out, bool is_chunked);
  /// The end of the body, after fill() left `state` behind: without a last chunk if not all came that was asked for.
  void append_end(std::string& out, bool is_chunked, State state);

  bool is_sse() const noexcept { return is_sse_; }
  std::string cursor() const { return subscription_->cursor(); }
  void arrive() noexcept override;
  void prefetch() const noexcept override;

  /// Read from the subscription at once; what a reader that never reads costs us beside the kernel's buffers.
  static constexpr std::size_t fill_bytes = 16 * 1024;

 private:
  EventStream(LoopContext& context, Connection& connection, const web::StreamRequest& request);
  void count(const DeliveryView& delivery, Timestamp now) noexcept;

  LoopContext& context_;
  Connection& connection_;
  const bool is_sse_;
  const bool follows_;
  Timestamp opened_at_{};
  std::unique_ptr<Subscription> subscription_;
};

}  // namespace tracking::httpd
