// Reads the server's stream on a thread of its own, and reconnects for as long as it is wanted.
#pragma once

#include "http/connection.h"
#include "http/delivery_queue.h"
#include "http/sse_reader.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

namespace tracking::remote {

/// A change of the filter cuts the stream; the next one asks for the new accounts from the position where the one
/// before was cut, so that accounts that stay miss nothing.
class StreamLink final : private BodySink, private SseHandler {
 public:
  /// `options` was checked. Starts the thread.
  StreamLink(const Endpoint& endpoint, const SubscribeOptions& options, std::shared_ptr<DeliveryQueue> queue, Log log);
  /// The queue is closed by now; waits for the thread.
  ~StreamLink();

  /// Looks at the queue again: its filter changed, or it was closed. Any thread.
  void refresh() noexcept;
  bool is_live() const noexcept { return is_live_; }

 private:
  enum class Next { at_once, after_pause, end };

  void run() noexcept;
  Next read_stream(std::chrono::seconds& retry_after);
  Next after_stream(const Answer& answer);
  Next after_refusal(const Answer& answer);
  Next lost(Code code, const std::string& reason);
  Next end(Code code, const std::string& message);
  Next without_memory() noexcept;
  std::chrono::milliseconds next_pause(std::chrono::seconds retry_after);
  std::string path() const;
  void say(LogLevel level, std::string_view message) noexcept;

  bool begin(const Answer& head) override;
  bool take(std::string_view piece) override;
  bool frame(const SseFrame& frame) override;
  void add_event(const SseFrame& frame);
  void add_gap(Gap gap);
  DeliveryBlock::Entry entry_at_position();

  const Endpoint endpoint_;
  const SubscribeOptions options_;
  const std::shared_ptr<DeliveryQueue> queue_;
  const Log log_;
  std::atomic<bool> is_live_{false};

  // Used by the thread alone.
  StreamPlan plan_;
  std::optional<SseReader> reader_;
  std::shared_ptr<DeliveryBlock> block_;
  std::string start_;  // where the stream began, if it is the first; empty = not known
  std::string position_;
  bool was_live_ = false;     // a stream was open at least once
  bool is_foreign_ = false;   // the answer was 200, and no event stream
  unsigned frames_ = 0;       // of this stream; the first is its opening
  unsigned failures_ = 0;     // since the last progress
  std::string last_message_;  // said last: the same is not said twice
  std::minstd_rand random_;

  std::mutex refresh_mutex_;
  std::uint64_t wanted_generation_ = 0;  // of the exchange under way; guarded by refresh_mutex_
  Connection connection_;
  std::thread thread_;
};

/// The position at which the server stands now, or nothing within a few seconds. Blocks. Throws std::bad_alloc.
std::optional<Cursor> ask_position(const Endpoint& endpoint);

/// True if the accounts fit into a request line of our server; more are filtered here.
bool fits_request_line(const std::vector<AccountId>& account_ids);

}  // namespace tracking::remote
