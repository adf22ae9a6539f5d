// One request and its answer.
#pragma once

#include <tracking/web.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "server/inbox.h"
#include "server/inflater.h"

namespace tracking::httpd {

class Connection;
class LoopContext;

/// A request in its connection's line of answers, and the Reply that the routes call. What the routes borrow lies in
/// it, so that it outlives the connection until the answer has come; then it goes back to its loop's pool with its
/// buffers. answer() is called by any thread; everything else belongs to the loop's thread.
class Exchange final : public web::Reply, public InboxItem {
 public:
  enum class State : std::uint8_t {
    receiving,  ///< the body is coming in
    waiting,    ///< the routes have it
    answered,   ///< the answer is here, and waits for those before it
    written,    ///< the answer is in the output
  };

  explicit Exchange(LoopContext& context) : context_(context) {}

  void answer(const web::Answer& answer) noexcept override;
  void arrive() noexcept override;
  /// The intake's resume: any thread.
  void resume() noexcept;
  /// Back to what a new one is; small buffers are kept.
  void reset() noexcept;
  /// Keeps a copy of the answer until its turn.
  void keep(const web::Answer& answer) noexcept;
  web::Answer kept() const noexcept;

  // The line.
  Connection* connection = nullptr;  ///< nullptr: it is gone, and so will be the answer
  Exchange* next = nullptr;
  State state = State::receiving;

  // The request.
  web::Route route = web::Route::none;
  bool is_head = false;          ///< the answer's body is not sent
  bool is_http_1_0 = false;      ///< `keep-alive` must be said
  bool closes = false;           ///< nothing comes after this answer
  bool has_cors = false;         ///< the answer names the origin
  bool continue_is_due = false;  ///< 100 Continue is to be sent when its turn comes
  std::string path;
  std::string query;
  std::string content_type;
  std::string body;
  std::string origin;
  std::chrono::steady_clock::time_point started{};
  std::size_t bytes_reserved = 0;  ///< of the body memory
  std::unique_ptr<web::NdjsonIntake> intake;
  std::unique_ptr<Inflater> inflater;

  /// The interim storage of kept().
  std::string answer_body;
  /// Headers beside the usual ones, each ended by CRLF.
  std::string extra_headers;

 private:
  LoopContext& context_;
  // Apart from the answer's arrival, which gives the exchange away: a late resume must not be taken for it.
  struct Resumed final : InboxItem {
    explicit Resumed(Exchange& owner) : exchange(owner) {}
    void arrive() noexcept override;
    Exchange& exchange;
  };

  Resumed resumed_{*this};
  web::Answer answer_;
};

/// Exchanges for reuse. One thread.
class ExchangePool {
 public:
  explicit ExchangePool(LoopContext& context) : context_(context) {}
  /// Throws std::bad_alloc.
  Exchange& take();
  void give_back(Exchange& exchange) noexcept;
  /// How many are taken.
  std::size_t taken() const noexcept { return taken_; }

 private:
  LoopContext& context_;
  std::vector<std::unique_ptr<Exchange>> free_;
  std::size_t taken_ = 0;
};

}  // namespace tracking::httpd
