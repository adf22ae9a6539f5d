// A connection's HTTP, without its socket.
#pragma once

#include <tracking/web.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "server/event_stream.h"
#include "server/exchange.h"
#include "server/loop_context.h"
#include "server/request_parser.h"

namespace tracking::httpd {

/// What moves a connection's bytes.
class Transport {
 public:
  /// On the loop's thread: have advance() called soon: something that the connection waited for is here.
  virtual void wake() noexcept = 0;
  /// The same at once. To be called from the loop itself, when no connection is in a call.
  virtual void advance() noexcept = 0;
  /// The connection has become a stream: large buffers are given up, and the kernel watches the peer.
  virtual void become_stream() noexcept = 0;

 protected:
  ~Transport() = default;
};

/// Reads requests from the bytes that are handed to it, hands them to the routes, and writes answers in the requests'
/// order to the output that it is given. Whoever owns it moves bytes: it hands over what came while wants_bytes(),
/// calls advance() when the output was sent or wake() was called, and expire() when deadline() has passed. Used by its
/// loop's thread. Any function may throw std::bad_alloc; then the connection is to be destroyed.
class Connection {
 public:
  enum class Peer : std::uint8_t { loopback, remote };
  /// What is to be done when all output was sent.
  enum class After : std::uint8_t {
    go_on,
    close,         ///< all that came was read
    close_slowly,  ///< the peer may still be sending: read and drop, so that it gets to see the answer
  };

  Connection(LoopContext& context, Transport& transport, Peer peer);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Bytes that arrived; they need not outlive the call. Called only if all earlier output has been sent.
  void receive(std::string_view bytes, std::string& out);
  /// The peer sends no more.
  void receive_end(std::string& out);
  /// Goes on with whatever waited, if all output has been sent.
  void advance(std::string& out);
  /// The deadline has passed.
  void expire(std::string& out);
  /// From now on an answer with no request behind it says that it is the last, and ends the connection.
  void begin_drain() noexcept { is_draining_ = true; }
  /// Ends the connection as soon as it is between requests, and `pending`, bytes not received yet, begins no other.
  void end_when_idle(std::string_view pending, std::string& out);
  /// At once if all output has been sent, else when it is.
  void end_stream(std::string& out, bool is_output_sent);

  /// False while there is enough to do with what came before.
  bool wants_bytes() const noexcept;
  /// True if advance() has more to do as soon as the output is sent.
  bool has_more() const noexcept { return has_more_; }
  After after() const noexcept;
  /// SteadyTime::max() if nothing is waited for.
  SteadyTime deadline() const noexcept { return deadline_; }
  bool is_stream() const noexcept { return phase_ == Phase::stream; }
  /// Nothing was begun, so nothing is lost by closing it.
  bool is_idle() const noexcept { return phase_ == Phase::head && !first_ && input_.empty(); }

  // For exchanges and streams of this connection.
  void answered(Exchange& exchange, const web::Answer& answer) noexcept;
  void wake() noexcept { transport_.wake(); }
  void go_on() noexcept { transport_.advance(); }
  /// Has the processor fetch the connection, and the socket around it that it is a part of.
  void prefetch() const noexcept;
  void resume_intake() noexcept {
    is_intake_resumed_ = std::exchange(is_intake_paused_, false);
    transport_.wake();
  }

 private:
  enum class Phase : std::uint8_t {
    head,      ///< between requests, or in a head
    body,      ///< of last_
    dropping,  ///< the body of a request that is answered already
    stream,
    closing,  ///< what comes is dropped; closes when the answers are out
  };

  // connection.cpp: bytes, the line of answers, time.
  void read(std::string_view bytes, std::string& out);
  bool may_read() const noexcept;
  void parse(std::string_view& input);
  bool is_held_up(std::string_view rest) const noexcept;
  void handle_end();
  void flush_answers();
  void write_answer(Exchange& exchange, const web::Answer& answer);
  bool is_last_before_drain(const Exchange& exchange) const noexcept;
  void pop_first() noexcept;
  void update_deadline() noexcept;
  void drop_exchanges() noexcept;
  void begin_closing(bool is_slow) noexcept;
  void expire_body();

  // connection_head.cpp: one head.
  bool read_head(std::string_view& input);
  bool parse_head(std::string_view head);
  void refuse_head(Code code, std::string_view detail, std::string_view head);
  void accept_head(web::Route route, std::string_view path, std::string_view query, std::string_view allow);
  Exchange& begin_exchange();
  void route(Exchange& exchange, std::string_view allow);
  void answer_plain(Exchange& exchange, int status, std::string_view content_type, std::string_view body);
  void answer_problem(Exchange& exchange, Code code, std::string_view detail, std::string_view allow = {});
  void answer_root(Exchange& exchange);
  void answer_ready(Exchange& exchange);
  void answer_options(Exchange& exchange, std::string_view allow);
  void answer_early(Exchange& exchange);
  bool has_unread_body() const;
  void open_stream(Exchange& exchange);
  Status check_stream_access() const;

  // connection_body.cpp: its body.
  void begin_body(Exchange& exchange);
  bool check_body(Exchange& exchange, web::BodyKind kind, bool is_gzip);
  void refuse_body(Exchange& exchange, Code code, std::string_view detail);
  bool read_body(std::string_view& input);
  bool put(std::string_view& input, std::string_view& piece);
  void take_encoded(Exchange& exchange, std::string_view piece);
  void take_plain(Exchange& exchange, std::string_view piece);
  void append_body(Exchange& exchange, std::string_view piece);
  void feed(Exchange& exchange, std::string_view piece);
  void end_body(Exchange& exchange);
  void reserve(Exchange& exchange);
  void cut_body(Code code, std::string_view detail);
  bool drop_body(std::string_view& input);

  void fill_stream();

  LoopContext& context_;
  Transport& transport_;
  std::string* out_ = nullptr;  // during a call
  Phase phase_ = Phase::head;
  const Peer peer_;

  // Bytes that came and are not read yet.
  std::string input_;
  HeadScanner scanner_;
  std::optional<RequestParser> parser_;
  const std::string_view* unread_ = nullptr;  // the rest of what is being read, during a call
  bool is_head_begun_ = false;                // part of a head is here, since phase_started_
  bool waits_for_line_ = false;               // the next request can't begin before the line is empty
  bool saw_end_ = false;
  bool closes_slowly_ = false;
  bool has_more_ = false;
  bool is_draining_ = false;
  bool ends_when_idle_ = false;

  // The line of answers, in the requests' order.
  Exchange* first_ = nullptr;
  Exchange* last_ = nullptr;
  unsigned exchanges_ = 0;

  // The body being read.
  web::BodyKind body_kind_ = web::BodyKind::bounded;
  bool is_intake_paused_ = false;
  bool is_intake_resumed_ = false;  // it may hold lines that can go on now
  bool is_memory_short_ = false;
  std::string encoded_;            // a piece of a gzip body that waits
  bool has_encoded_rest_ = false;  // that, or what the inflater holds
  std::size_t body_limit_ = 0;
  bool is_body_limit_final_ = false;
  std::size_t bytes_after_head_ = 0;
  std::uint64_t dropped_bytes_ = 0;
  std::size_t progress_bytes_ = 0;

  std::unique_ptr<EventStream> stream_;
  bool is_stream_chunked_ = false;
  bool is_stream_ending_ = false;
  SteadyTime phase_started_{};  // of a head, a body, dropping, closing; of the last answer between requests
  SteadyTime progress_at_{};    // the last progress of an NDJSON body
  SteadyTime memory_short_at_{};
  SteadyTime written_at_{};  // a stream's last frame
  SteadyTime deadline_ = SteadyTime::max();
  bool has_served_ = false;  // any request
};

}  // namespace tracking::httpd
