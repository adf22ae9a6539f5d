/** @file
 * The engine for programs in C, and for every language that can call C. C99; nothing of C++ shows.
 *
 * Two handles. A tracking_service takes events, a tracking_subscriber gives them back; either in this process or at a
 * distance. docs/EMBEDDING.md has whole programs.
 *
 * Texts are UTF-8 with a length, and need no NUL at their end. Those that are passed in are borrowed for the call; a
 * text of size 0 may be NULL.
 *
 * Every function that can fail returns a code and explains it in a tracking_error, which the caller owns and may leave
 * NULL. Nothing is thrown, and no input aborts. Handles are not carried over a fork().
 *
 * What is here stays: functions, codes and settings are only ever added, structures never change. */
#ifndef TRACKING_C_H
#define TRACKING_C_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Before each function: it is exported. */
#define TRACKING_C_API __attribute__((visibility("default")))

/* ---------------------------------------------------------------------------------------------------------------------
 * Codes, errors, settings */

/** What became of a call or of an event: one of the numbers below. Newer libraries may return others. */
typedef int32_t tracking_code;

enum {
  TRACKING_OK = 0,
  /** The event itself is at fault; repeating it changes nothing. */
  TRACKING_MALFORMED_JSON = 1,
  TRACKING_INVALID_EVENT = 2,
  TRACKING_UNKNOWN_ACCOUNT = 3,
  TRACKING_INACTIVE_ACCOUNT = 4,
  TRACKING_TOO_LARGE = 5,
  /** Nothing was accepted and it may pass: the caller may safely repeat. */
  TRACKING_BROKER_UNAVAILABLE = 6,
  TRACKING_ACCOUNTS_UNAVAILABLE = 7,
  TRACKING_OVERLOADED = 8,
  /** It may have been stored. A repeat with the same id doubles nothing. */
  TRACKING_IN_DOUBT = 9,
  /** The call is at fault, or a request to a server at a distance. */
  TRACKING_ACK_UNAVAILABLE = 10,
  TRACKING_INVALID_PARAMETER = 11,
  TRACKING_BAD_REQUEST = 12,
  TRACKING_UNAUTHORIZED = 13,
  TRACKING_FORBIDDEN = 14,
  TRACKING_NOT_FOUND = 15,
  TRACKING_METHOD_NOT_ALLOWED = 16,
  TRACKING_REQUEST_TIMEOUT = 17,
  TRACKING_ACCOUNT_EXISTS = 18,
  TRACKING_LENGTH_REQUIRED = 19,
  TRACKING_URI_TOO_LONG = 20,
  TRACKING_UNSUPPORTED_TYPE = 21,
  TRACKING_RATE_LIMITED = 22,
  TRACKING_HEADERS_TOO_LARGE = 23,
  TRACKING_NOT_READY = 24,
  /** The life of a handle. */
  TRACKING_UNSUPPORTED = 25,
  TRACKING_CLOSED = 26,
  TRACKING_TIMED_OUT = 27,
  TRACKING_COULD_NOT_CONNECT = 28,
  TRACKING_INTERNAL = 29
};

/** Why a call did not do what was asked for: filled by the call if it does not return TRACKING_OK. */
typedef struct tracking_error {
  tracking_code code; /**< TRACKING_OK if nothing failed */
  uint32_t text_size; /**< without the NUL */
  char text[504];     /**< what failed, on what, and what to do; never a password; a longer text is cut */
} tracking_error;

/** A setting: a name and its value, both as text. */
typedef struct tracking_setting {
  const char* name;  /**< which */
  size_t name_size;  /**< of the name */
  const char* value; /**< as the setting takes it */
  size_t value_size; /**< of the value */
} tracking_setting;

/** A text of C with its length, for arguments and initialisers: {TRACKING_Z("accounts"), TRACKING_Z(url)}.
 * Needs <string.h>. */
#define TRACKING_Z(text) (text), strlen(text)

/** "0.1.0": the version of the library that runs. Static storage; any thread. */
TRACKING_C_API const char* tracking_version(void);

/** "unknown-account": the name that the HTTP interface gives the code as `type`; "internal" for a number that is none.
 * Static storage; any thread. */
TRACKING_C_API const char* tracking_code_name(tracking_code code);

/* ---------------------------------------------------------------------------------------------------------------------
 * Tracking */

/** Takes events. Any thread may call its functions, also at one time, except tracking_service_free(). */
typedef struct tracking_service tracking_service;

/** How strong an acknowledgement is. */
enum {
  TRACKING_ACK_DEFAULT = 0, /**< the strongest that the broker gives, or the service's setting `ack` */
  TRACKING_ACK_SENT = 1,    /**< handed to the broker: at most once */
  TRACKING_ACK_STORED = 2   /**< on stable storage */
};

/** Bits of tracking_event.flags. */
enum {
  TRACKING_EVENT_HAS_OCCURRED_AT = 1, /**< occurred_at_us is set */
  TRACKING_EVENT_TRUSTED = 2 /**< the caller vouches that data is one valid JSON value without a raw line break */
};

/** One event. Zero all of it first; everything that it points to is borrowed. */
typedef struct tracking_event {
  int64_t account_id;     /**< 1 to 2^63-1 */
  const char* data;       /**< the JSON text of one value; it reaches subscribers byte for byte */
  size_t data_size;       /**< of the data */
  const char* id;         /**< [A-Za-z0-9._:-]{1,64}; size 0 = the service gives a UUIDv7 */
  size_t id_size;         /**< of the id */
  int64_t occurred_at_us; /**< microseconds since 1970-01-01 UTC; see flags */
  uint32_t flags;         /**< TRACKING_EVENT_... */
  uint32_t reserved;      /**< 0 */
} tracking_event;

/** Bits of tracking_batch.flags. */
enum {
  TRACKING_STOPS_AT_FAILURE =
      1 /**< after an event that is refused in a way that may pass, those behind it are refused too */
};

/** Events to track together, in their order: an array of them, or JSON text. Zero all of it first. */
typedef struct tracking_batch {
  const tracking_event* events; /**< NULL = json is used */
  size_t count;                 /**< of the events */
  const char* json; /**< what `POST /v1/events` takes: an array of objects, or objects on a line each (NDJSON) */
  size_t json_size; /**< of the JSON text */
  int32_t ack;      /**< TRACKING_ACK_... */
  uint32_t flags;   /**< TRACKING_STOPS_AT_FAILURE */
} tracking_batch;

/** What became of one event. */
typedef struct tracking_receipt {
  tracking_code code;   /**< TRACKING_OK, or why it was not accepted */
  uint8_t ack;          /**< TRACKING_ACK_SENT or _STORED, if code is ok */
  uint8_t duplicate;    /**< 1 = its (account_id, id) was accepted before; timestamp_us is the first answer's */
  uint8_t id_size;      /**< of the id */
  uint8_t reserved;     /**< 0 */
  int64_t timestamp_us; /**< when it was accepted, if code is ok or in doubt; at a distance maybe 0 = not told */
  char id[64];          /**< set if code is ok or in doubt; no NUL behind it */
} tracking_receipt;

/** Gets one receipt for each event of a batch, in its order. It runs exactly once, on any thread, maybe before the call
 * returns; it must not block, and must not close or free the service. The receipts are borrowed for the call. */
typedef void (*tracking_completion)(void* user, const tracking_receipt* receipts, size_t count);

/** Opens an engine in this process. Settings (all optional; names and forms are those of tracking-httpd): accounts,
 * broker (URLs, "memory:"), data_dir ("."), ack (sent, stored), max_data_size (256KiB), account_ttl (10s),
 * account_stale_max (5m), account_cache_max (1000000), account_lookup_threads (2), parked_events_max (100000),
 * duplicate_keys_max (1000000), duplicate_window (2m). *service is the caller's to free, and NULL on failure. */
TRACKING_C_API tracking_code tracking_service_open(const tracking_setting* settings, size_t settings_count,
                                                   tracking_service** service, tracking_error* error);

/** The same door at a distance: `http://host:port`. It does not wait for the server to be there. Settings as above, as
 * far as they concern the sending side: ack, max_data_size, parked_events_max. *service is the caller's to free. */
TRACKING_C_API tracking_code tracking_service_connect(const char* url, size_t url_size,
                                                      const tracking_setting* settings, size_t settings_count,
                                                      tracking_service** service, tracking_error* error);

/** Hands over a batch and waits for its receipts. Returns TRACKING_OK if every event was accepted, else the code of the
 * first that was not, which the error explains; the receipts tell of each. A call that is at fault as a whole (an array
 * that is not JSON, more events than receipts_max) accepts nothing and sets *receipts_count to 0. `receipts` is the
 * caller's, or NULL with receipts_max 0 if they are of no interest; `receipts_count` may be NULL. */
TRACKING_C_API tracking_code tracking_service_track(tracking_service* service, const tracking_batch* batch,
                                                    tracking_receipt* receipts, size_t receipts_max,
                                                    size_t* receipts_count, tracking_error* error);

/** Hands over a batch and returns at once; `done` gets its receipts. What events point to is borrowed until then, the
 * array of them and `json` only for the call. If it does not return TRACKING_OK, nothing was handed over and `done` is
 * not called. */
TRACKING_C_API tracking_code tracking_service_track_async(tracking_service* service, const tracking_batch* batch,
                                                          tracking_completion done, void* user, tracking_error* error);

/** Takes no more events, waits until all that is pending is completed and the broker flushed, and at the deadline
 * completes the rest as failed or in doubt. Its subscribers end. May be repeated. */
TRACKING_C_API tracking_code tracking_service_close(tracking_service* service, int64_t deadline_ms,
                                                    tracking_error* error);

/** Closes with a deadline of 10 s if that was not done, and frees. No other call may be under way on it; subscribers of
 * it may outlive it. NULL is nothing. */
TRACKING_C_API void tracking_service_free(tracking_service* service);

/* ---------------------------------------------------------------------------------------------------------------------
 * Subscribing */

/** Gives events and gaps. tracking_subscriber_next() is called by one thread at a time; set_accounts, cursor and close
 * by any, also while it waits. */
typedef struct tracking_subscriber tracking_subscriber;

/** Bits of tracking_delivery.flags. */
enum {
  TRACKING_DELIVERY_GAP = 1,             /**< events were missed here; else it is an event */
  TRACKING_DELIVERY_HAS_OCCURRED_AT = 2, /**< occurred_at_us is set */
  TRACKING_DELIVERY_HAS_MISSED = 4       /**< missed is set */
};

/** One event or one gap. What is not said of it is 0 or of size 0. */
typedef struct tracking_delivery {
  const char* json;       /**< the event line, or {"gap":{...}} */
  size_t json_size;       /**< of the json */
  const char* cursor;     /**< where to resume behind this one: the setting `since` */
  size_t cursor_size;     /**< of the cursor */
  const char* data;       /**< an event's: the JSON text of the value, as it was sent */
  size_t data_size;       /**< of the data */
  const char* id;         /**< an event's */
  size_t id_size;         /**< of the id */
  const char* producer;   /**< size 0 = not told, as is sequence 0 */
  size_t producer_size;   /**< of the producer */
  const char* reason;     /**< a gap's: slow-subscriber, expired, ... (docs/HTTP.md), or another */
  size_t reason_size;     /**< of the reason */
  int64_t account_id;     /**< of a gap: if a single account is meant, else 0 */
  int64_t timestamp_us;   /**< when the event was accepted; microseconds since 1970-01-01 UTC */
  int64_t occurred_at_us; /**< as the client said; see flags */
  uint64_t sequence;      /**< counts by one for each producer and account */
  uint64_t missed;        /**< of a gap: how many events, if known; see flags */
  uint32_t flags;         /**< TRACKING_DELIVERY_... */
  uint32_t reserved;      /**< 0 */
} tracking_delivery;

/** What tracking_subscriber_next() hands out, with all that it points to: valid until the next call of that function
 * for the same subscriber, whatever it returns, or until the subscriber is freed. No other call ends it, neither on the
 * subscriber nor on its service. */
typedef struct tracking_deliveries {
  const tracking_delivery* items; /**< an array of them */
  size_t count;                   /**< of the items */
  /** The same as one text, which languages copy at one stroke: of each delivery the json, a line end, its cursor, a
   * line end. No json has a line end in it. */
  const char* text;
  size_t text_size; /**< of the text */
} tracking_deliveries;

/** Subscribes to a service, in this process or at a distance. Settings (all optional; names and forms are those of
 * `GET /v1/events`): account_id ("1,2"; none = all), since (now, all, a cursor, an RFC 3339 time, a duration like 10m),
 * tail, limit, follow (true, false); and buffer_size (1MiB): what may wait for a slow reader. *subscriber is the
 * caller's to free, and NULL on failure. */
TRACKING_C_API tracking_code tracking_service_subscribe(tracking_service* service, const tracking_setting* settings,
                                                        size_t settings_count, tracking_subscriber** subscriber,
                                                        tracking_error* error);

/** Subscribes at a distance without a service: `http://host:port`, and every other scheme that is linked in. It
 * reconnects by itself, resumes, and tells what was missed. Settings as above; the caller's to free. */
TRACKING_C_API tracking_code tracking_subscriber_open(const char* url, size_t url_size,
                                                      const tracking_setting* settings, size_t settings_count,
                                                      tracking_subscriber** subscriber, tracking_error* error);

/** Waits for deliveries, at most timeout_ms (negative = for ever), and hands over those that are there, at most
 * deliveries_max and never more than about a thousand. TRACKING_OK: there is at least one; with deliveries_max 0 none
 * is handed over, so that the cursor is still before it. TRACKING_TIMED_OUT: none yet. TRACKING_CLOSED: the end, of
 * history (follow=false), of `limit`, or by close; another code: why it ended. */
TRACKING_C_API tracking_code tracking_subscriber_next(tracking_subscriber* subscriber, int64_t timeout_ms,
                                                      size_t deliveries_max, tracking_deliveries* deliveries,
                                                      tracking_error* error);

/** Changes the filter while it runs; none = every account. No event of an account that stays is lost or repeated. The
 * ids are borrowed for the call. */
TRACKING_C_API tracking_code tracking_subscriber_set_accounts(tracking_subscriber* subscriber,
                                                              const int64_t* account_ids, size_t count,
                                                              tracking_error* error);

/** The position after the last delivery handed over, before the first that at which it started, as text: written to
 * `buffer` with a NUL behind it if buffer_size suffices (128 does), else nothing is written. Returns its size without
 * the NUL. 0 = not known yet: at a distance before the stream is there; once it is, no later event is missed. */
TRACKING_C_API size_t tracking_subscriber_cursor(const tracking_subscriber* subscriber, char* buffer,
                                                 size_t buffer_size);

/** Wakes a waiting tracking_subscriber_next(), which returns TRACKING_CLOSED; so do all later calls, whatever else was
 * there to hand over or had ended it. The cursor stays. */
TRACKING_C_API void tracking_subscriber_close(tracking_subscriber* subscriber);

/** Closes and frees. No other call may be under way on it. NULL is nothing. */
TRACKING_C_API void tracking_subscriber_free(tracking_subscriber* subscriber);

#ifdef __cplusplus
}
#endif

#endif
