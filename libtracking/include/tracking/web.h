// The HTTP routes as plain functions, without a socket: for mounting in any HTTP server (examples/mount_http.cpp).
// tracking-httpd's own listener uses the same.
#pragma once

#include <tracking/service.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// The HTTP routes as functions from request to answer, for a server of any make.
namespace tracking::web {

/// Bounds of what a request may carry; bytes are counted after decompression.
struct Limits {
  std::size_t data_bytes_max = 256 * 1024;            ///< set to TrackingService::data_bytes_max()
  std::size_t body_bytes_max = 8u << 20;              ///< of an array (a single event: data_bytes_max + 4 KiB)
  std::size_t array_events_max = 10'000;              ///< events in an array
  std::size_t ndjson_listed_max = 100;                ///< rejections listed one by one
  std::size_t ndjson_in_flight_max = 2'048;           ///< events of one body handed over without an answer yet
  std::size_t ndjson_in_flight_bytes_max = 1u << 20;  ///< their bytes
  std::size_t ndjson_together_max = 16'384;           ///< the same, of all bodies that one EventRoutes reads
  std::size_t ndjson_together_bytes_max = 8u << 20;   ///< the bytes that these become as event lines
};

/// Counts what became of each event that reached an event route. In every reading
/// received = accepted + sum(rejected) + sum(failed) + in_flight, whatever the threads do meanwhile.
/// A request to an event route that yields no event counts as one. Thread-safe; each thread counts in a slot of its
/// own.
class TRACKING_EXPORT Ledger {
 public:
  /// One consistent reading.
  struct Reading {
    std::uint64_t received = 0;                          ///< events that reached an event route
    std::uint64_t accepted = 0;                          ///< answered with 202
    std::map<std::string_view, std::uint64_t> rejected;  ///< 4xx, by name(code)
    std::map<std::string_view, std::uint64_t> failed;    ///< 5xx, by name(code)
    std::uint64_t in_flight = 0;                         ///< not answered yet
  };

  Ledger();
  ~Ledger();
  /// Events came in.
  void received(std::uint64_t events = 1) noexcept;
  /// One of the received events came to its end: ok, or the code of its rejection or failure.
  void ended(Code code, std::uint64_t events = 1) noexcept;
  /// The counts at this moment.
  Reading read() const;
  /// The reading as `GET /v1/ledger` answers it.
  std::string json() const;

 private:
  struct Slot;
  Slot& slot() noexcept;
  static constexpr int slot_count = 16;
  std::unique_ptr<Slot[]> slots_;
};

/// What routes look at in a request. Borrowed until the reply was called.
struct Request {
  std::string_view method;        ///< "POST"
  std::string_view path;          ///< "/v1/events", not decoded, without the query
  std::string_view query;         ///< without the question mark, not decoded
  std::string_view content_type;  ///< the header's value, or empty
  std::span<char> body;           ///< whole and decompressed; it is decoded in place, so its bytes change
};

/// An answer to be written by the caller.
struct Answer {
  int status = 500;                    ///< HTTP status (RFC 9110)
  std::string_view content_type = {};  ///< static storage
  std::string_view body = {};          ///< valid during the reply's call
  std::string_view allow = {};         ///< value of `Allow`, or empty; static storage
  bool retry_after = false;            ///< send `Retry-After: 1`
};

/// Gets the answer, exactly once, on any thread, maybe before the call that it was given to returns. It outlives it.
class Reply {
 public:
  /// Takes the answer, whose texts are borrowed for the call.
  virtual void answer(const Answer& answer) noexcept = 0;

 protected:
  ~Reply() = default;
};

/// The type of problem documents (RFC 9457).
inline constexpr std::string_view problem_json = "application/problem+json";

/// Appends `{"type":"...","title":"...","status":404,"detail":"..."}`; an empty id is left out. Never invalid UTF-8.
TRACKING_EXPORT void append_problem(std::string& out, Code code, std::string_view detail, std::string_view id = {},
                                    Timestamp timestamp = {});

/// What a path of the public listener is.
enum class Route : std::uint8_t { events, account_events, stream, root, livez, readyz, healthz, openapi, none };
/// `POST /` and `POST /v1/events` are events, `POST /123` account_events (1-19 digits), `GET /v1/events` stream, ...
/// A known path with another method is `none` with `allow` set to the methods that it has (static storage).
TRACKING_EXPORT Route find_route(std::string_view method, std::string_view path, std::string_view& allow) noexcept;

/// How a body is to be read, by route and Content-Type: whole, or piece by piece; unsupported = 415.
enum class BodyKind : std::uint8_t { bounded, ndjson, unsupported };
/// The kind for a route and the value of Content-Type, which may be empty.
TRACKING_EXPORT BodyKind body_kind(Route route, std::string_view content_type) noexcept;

/// How long a bounded body may become, by what is there of it: an array is larger than a single event. While all of
/// `beginning` is white space, it may still be either.
TRACKING_EXPORT std::size_t body_bytes_max(Route route, std::string_view beginning, const Limits& limits) noexcept;

class NdjsonIntake;

/// `POST /`, `POST /v1/events`, `POST /{account_id}` (docs/HTTP.md). One per event loop, used by one thread at a time;
/// replies come on any. A request whose reply comes inline costs no allocation once its buffers have grown.
class TRACKING_EXPORT EventRoutes {
 public:
  /// The lane, ledger and service outlive it, and the ledger all that was handed over. All replies must have come
  /// before it is destroyed, which no reply may do.
  EventRoutes(Lane& lane, Ledger& ledger, TrackingService& service, Limits limits = {});
  ~EventRoutes();

  /// A body that is there whole: one event, an array, NDJSON, or the data of one account. Counts in the ledger.
  void post(Route route, const Request& request, Reply& reply) noexcept;

  /// A body of NDJSON, in pieces. The query picks the ack level; if that is wrong the intake is born stopped. It counts
  /// in the ledger by itself, however it ends. nullptr = no memory: answer `overloaded` and call refused().
  std::unique_ptr<NdjsonIntake> ndjson(std::string_view query, Reply& reply);

  /// Counts a request to an event route that ended before post() was called (413, 415, 408, ...).
  void refused(Code code) noexcept;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

/// Reads events line by line with bounded memory. Used by one thread. Lines in flight keep a copy of their bytes, so
/// the pieces given to feed() are not needed after it returns. It may be destroyed at any time: then no reply comes,
/// and what was handed over already is still counted when it ends.
class TRACKING_EXPORT NdjsonIntake {
 public:
  /// What to do after a piece.
  enum class Feed : std::uint8_t {
    more,   ///< go on
    pause,  ///< too much is in flight: do not feed until `resume` was called, and then at once, if need be nothing
    stop,  ///< the batch has stopped: further bytes are not events; call finish() (reading and dropping the rest is the
           ///< caller's business)
  };
  ~NdjsonIntake();
  /// Takes all of the piece. `resume` (set once before the first feed) is called on any thread after a pause.
  Feed feed(std::string_view piece) noexcept;
  /// Sets what is called after a pause; before the first feed().
  void on_resume(Wake resume);
  /// Bytes that it holds at present, in lines begun and lines in flight. May be called by the feeding thread.
  std::size_t bytes_held() const noexcept;
  /// The body ended: whole, or cut/corrupt (then an unfinished last line is not an event). The reply comes when all
  /// that is in flight has ended.
  void finish(bool is_whole) noexcept;

  struct Impl;

 private:
  friend class EventRoutes;
  explicit NdjsonIntake(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

/// What `GET /v1/events` was asked for.
struct StreamRequest {
  SubscribeOptions options;  ///< what to subscribe to
  bool is_sse = false;       ///< server-sent events; else NDJSON
};

/// Reads query, Accept and Last-Event-ID (which beats since). invalid_parameter names the parameter.
TRACKING_EXPORT Result<StreamRequest> parse_stream_request(std::string_view query, std::string_view accept,
                                                           std::string_view last_event_id, Timestamp now);

// The stream's bytes. All append; none adds anything but whole frames.
/// SSE: `retry: 2000` and `id: <cursor>`, without data.
TRACKING_EXPORT void append_sse_opening(std::string& out, std::string_view cursor);
/// `id: <cursor>` and `data: <event>`, or `event: gap`.
TRACKING_EXPORT void append_sse(std::string& out, const DeliveryView& delivery);
/// A comment and `id: <cursor>`: what an idle stream says every 15 s.
TRACKING_EXPORT void append_sse_heartbeat(std::string& out, std::string_view cursor);
/// A line with `"cursor":"c_..."` before the event's first member, or `{"gap":{...}}`.
TRACKING_EXPORT void append_ndjson(std::string& out, const DeliveryView& delivery);

/// The description of all routes, OpenAPI 3.1 in JSON, as `GET /openapi.json` answers it. Static storage.
TRACKING_EXPORT std::string_view openapi_json() noexcept;

/// Percent-decodes; nothing if an escape is malformed. `+` is a space.
TRACKING_EXPORT std::optional<std::string> percent_decode(std::string_view text);

}  // namespace tracking::web
