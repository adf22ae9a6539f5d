/* Tracking: one event, batches, and without waiting. */
#include "case.h"

#include <pthread.h>
#include <stdlib.h>

CASE(an_event_gets_a_receipt) {
  tracking_service* service = open_service();
  tracking_event event = {0};
  tracking_batch batch = {0};
  tracking_receipt receipt;
  size_t count = 0;
  event.account_id = 1;
  event.data = "{\"page\":\"/\"}";
  event.data_size = strlen(event.data);
  event.occurred_at_us = 1000000;
  event.flags = TRACKING_EVENT_HAS_OCCURRED_AT;
  batch.events = &event;
  batch.count = 1;
  CHECK(tracking_service_track(service, &batch, &receipt, 1, &count, NULL) == TRACKING_OK);
  CHECK(count == 1 && receipt.code == TRACKING_OK && receipt.ack == TRACKING_ACK_SENT && !receipt.duplicate);
  CHECK(receipt.id_size == 36 && receipt.timestamp_us > 1600000000000000);

  event.id = "twice";
  event.id_size = 5;
  CHECK(tracking_service_track(service, &batch, &receipt, 1, &count, NULL) == TRACKING_OK && !receipt.duplicate);
  CHECK(tracking_service_track(service, &batch, &receipt, 1, &count, NULL) == TRACKING_OK && receipt.duplicate);
  CHECK(is_text(receipt.id, receipt.id_size, "twice"));
  tracking_service_free(service);
}

CASE(a_refused_event_is_explained) {
  tracking_service* service = open_service();
  tracking_event events[2] = {{0}, {0}};
  tracking_batch batch = {0};
  tracking_receipt receipts[2];
  tracking_error error;
  size_t count = 0;
  events[0].account_id = 1;
  events[1].account_id = 2;
  events[0].data = events[1].data = "1";
  events[0].data_size = events[1].data_size = 1;
  batch.events = events;
  batch.count = 2;
  CHECK(tracking_service_track(service, &batch, receipts, 2, &count, &error) == TRACKING_INACTIVE_ACCOUNT);
  CHECK(error.code == TRACKING_INACTIVE_ACCOUNT && contains(&error, "event 1: account 2 is not active"));
  CHECK(error.text_size == strlen(error.text));
  CHECK(count == 2 && receipts[0].code == TRACKING_OK && receipts[1].code == TRACKING_INACTIVE_ACCOUNT);
  CHECK(receipts[1].id_size == 0);
  tracking_service_free(service);
}

static void check_json(const char* json, const char* codes) {
  tracking_service* service = open_service();
  tracking_batch batch = {0};
  tracking_receipt receipts[8];
  size_t count = 0;
  batch.json = json;
  batch.json_size = strlen(json);
  tracking_service_track(service, &batch, receipts, 8, &count, NULL);
  CHECK(count == strlen(codes));
  for (size_t i = 0; i < count; ++i) CHECK(receipts[i].code == codes[i] - '0');
  tracking_service_free(service);
}

CASE(each_event_of_an_array_has_its_own_outcome) {
  check_json("[]", "");
  check_json(
      "[{\"account_id\":1,\"data\":1},{\"account_id\":2,\"data\":1},{\"account_id\":7,\"data\":1},{\"data\":1},"
      "{\"account_id\":3,\"data\":null}]",
      "04320");
}

CASE(each_line_has_its_own_outcome) {
  check_json("", "");
  check_json("{\"account_id\":1,\"data\":1}\n\n{\"account_id\":\n{\"account_id\":3,\"data\":1}", "010");
}

CASE(an_array_that_is_no_json_accepts_nothing) {
  tracking_service* service = open_service();
  tracking_subscriber* subscriber = subscribe(service, "since", "all");
  tracking_batch batch = {0};
  tracking_error error;
  tracking_deliveries deliveries;
  size_t count = 7;
  batch.json = "[{\"account_id\":1,\"data\":1},";
  batch.json_size = strlen(batch.json);
  CHECK(tracking_service_track(service, &batch, NULL, 0, &count, &error) == TRACKING_MALFORMED_JSON);
  CHECK(count == 0 && contains(&error, "byte 27"));
  CHECK(tracking_subscriber_next(subscriber, 0, 1, &deliveries, NULL) == TRACKING_TIMED_OUT);
  tracking_subscriber_free(subscriber);
  tracking_service_free(service);
}

CASE(more_events_than_receipts_accept_nothing) {
  tracking_service* service = open_service();
  tracking_subscriber* subscriber = subscribe(service, "since", "all");
  tracking_batch batch = {0};
  tracking_receipt receipt;
  tracking_deliveries deliveries;
  size_t count = 7;
  batch.json = "{\"account_id\":1,\"data\":1}\n{\"account_id\":1,\"data\":2}";
  batch.json_size = strlen(batch.json);
  CHECK(tracking_service_track(service, &batch, &receipt, 1, &count, NULL) == TRACKING_INVALID_PARAMETER);
  CHECK(count == 0 && tracking_subscriber_next(subscriber, 0, 1, &deliveries, NULL) == TRACKING_TIMED_OUT);
  tracking_subscriber_free(subscriber);
  tracking_service_free(service);
}

typedef struct landing {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  size_t calls;
  size_t receipts;
  tracking_code first;
} landing;

static void land(void* user, const tracking_receipt* receipts, size_t count) {
  landing* it = user;
  pthread_mutex_lock(&it->mutex);
  ++it->calls;
  it->receipts += count;
  if (count > 0) it->first = receipts[0].code;
  pthread_cond_signal(&it->changed);
  pthread_mutex_unlock(&it->mutex);
}

static void wait_for_call(landing* it) {
  pthread_mutex_lock(&it->mutex);
  while (it->calls == 0) pthread_cond_wait(&it->changed, &it->mutex);
  pthread_mutex_unlock(&it->mutex);
}

CASE(a_completion_runs_once) {
  tracking_service* service = open_service();
  landing it = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, -1};
  tracking_batch batch = {0};
  char* json = malloc(64);
  strcpy(json, "[{\"account_id\":1,\"data\":1},{\"account_id\":3,\"data\":2}]");
  batch.json = json;
  batch.json_size = strlen(json);
  CHECK(tracking_service_track_async(service, &batch, land, &it, NULL) == TRACKING_OK);
  free(json); /* it is borrowed for the call alone */
  wait_for_call(&it);
  CHECK(tracking_service_close(service, LONG_MS, NULL) == TRACKING_OK);
  CHECK(it.calls == 1 && it.receipts == 2 && it.first == TRACKING_OK);

  CHECK(tracking_service_track_async(service, &batch, NULL, NULL, NULL) == TRACKING_INVALID_PARAMETER);
  tracking_service_free(service);
}

CASE(a_completion_does_not_run_for_a_call_that_is_refused) {
  tracking_service* service = open_service();
  landing it = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, -1};
  tracking_batch batch = {0};
  batch.json = "[";
  batch.json_size = 1;
  CHECK(tracking_service_track_async(service, &batch, land, &it, NULL) == TRACKING_MALFORMED_JSON);
  tracking_service_free(service);
  CHECK(it.calls == 0);
}

CASE(a_closed_service_says_so) {
  tracking_service* service = open_service();
  CHECK(tracking_service_close(service, LONG_MS, NULL) == TRACKING_OK);
  CHECK(tracking_service_close(service, LONG_MS, NULL) == TRACKING_OK);
  CHECK(track(service, 1, "1") == TRACKING_CLOSED);
  tracking_service_free(service);
}

CASE(an_ack_that_cannot_be_given_is_refused) {
  tracking_service* service = open_service();
  tracking_batch batch = {0};
  batch.json = "{\"account_id\":1,\"data\":1}";
  batch.json_size = strlen(batch.json);
  batch.ack = TRACKING_ACK_STORED;
  CHECK(tracking_service_track(service, &batch, NULL, 0, NULL, NULL) == TRACKING_ACK_UNAVAILABLE);
  tracking_service_free(service);
}
