/* Calls that are wrong get a code; nothing crashes. */
#include "case.h"

#include <stdlib.h>

CASE(a_null_where_something_must_be_is_refused) {
  tracking_service* service = open_service();
  tracking_subscriber* subscriber = subscribe(service, "since", "now");
  tracking_batch batch = {0};
  tracking_error error;
  CHECK(tracking_service_open(NULL, 0, NULL, &error) == TRACKING_INVALID_PARAMETER && contains(&error, "service"));
  CHECK(tracking_service_track(NULL, &batch, NULL, 0, NULL, NULL) == TRACKING_INVALID_PARAMETER);
  CHECK(tracking_service_track(service, NULL, NULL, 0, NULL, NULL) == TRACKING_INVALID_PARAMETER);
  CHECK(tracking_service_close(NULL, 0, NULL) == TRACKING_INVALID_PARAMETER);
  CHECK(tracking_service_subscribe(service, NULL, 0, NULL, NULL) == TRACKING_INVALID_PARAMETER);
  CHECK(tracking_subscriber_next(NULL, 0, 1, NULL, NULL) == TRACKING_INVALID_PARAMETER);
  CHECK(tracking_subscriber_next(subscriber, 0, 1, NULL, NULL) == TRACKING_INVALID_PARAMETER);
  CHECK(tracking_subscriber_set_accounts(subscriber, NULL, 1, NULL) == TRACKING_INVALID_PARAMETER);
  CHECK(tracking_subscriber_cursor(NULL, NULL, 0) == 0);
  CHECK(tracking_subscriber_cursor(subscriber, NULL, 0) > 0);
  tracking_service_free(NULL);
  tracking_subscriber_close(NULL);
  tracking_subscriber_free(NULL);
  tracking_subscriber_free(subscriber);
  tracking_service_free(service);
}

static tracking_code track_one(tracking_service* service, tracking_event event) {
  tracking_batch batch = {0};
  batch.events = &event;
  batch.count = 1;
  return tracking_service_track(service, &batch, NULL, 0, NULL, NULL);
}

CASE(structures_of_another_version_are_refused) {
  tracking_service* service = open_service();
  tracking_event event = {0};
  tracking_batch batch = {0};
  event.account_id = 1;
  event.data = "1";
  event.data_size = 1;
  CHECK(track_one(service, event) == TRACKING_OK);
  event.flags = 4;
  CHECK(track_one(service, event) == TRACKING_INVALID_PARAMETER);
  event.flags = 0;
  event.reserved = 1;
  CHECK(track_one(service, event) == TRACKING_INVALID_PARAMETER);
  batch.flags = 2;
  CHECK(tracking_service_track(service, &batch, NULL, 0, NULL, NULL) == TRACKING_INVALID_PARAMETER);
  batch.flags = 0;
  batch.ack = 3;
  CHECK(tracking_service_track(service, &batch, NULL, 0, NULL, NULL) == TRACKING_INVALID_PARAMETER);
  batch.ack = 0;
  batch.count = 1;
  CHECK(tracking_service_track(service, &batch, NULL, 0, NULL, NULL) == TRACKING_INVALID_PARAMETER);
  tracking_service_free(service);
}

CASE(times_that_cannot_be_written_are_refused) {
  tracking_service* service = open_service();
  const int64_t first = -62167219200000000, last = 253402300799999999;
  const int64_t outside[] = {first - 1, last + 1, INT64_MIN, INT64_MAX};
  tracking_event event = {0};
  event.account_id = 1;
  event.data = "1";
  event.data_size = 1;
  event.flags = TRACKING_EVENT_HAS_OCCURRED_AT;
  event.occurred_at_us = first;
  CHECK(track_one(service, event) == TRACKING_OK);
  event.occurred_at_us = last;
  CHECK(track_one(service, event) == TRACKING_OK);
  for (size_t i = 0; i < sizeof outside / sizeof outside[0]; ++i) {
    event.occurred_at_us = outside[i];
    CHECK(track_one(service, event) == TRACKING_INVALID_PARAMETER);
  }
  tracking_service_free(service);
}

CASE(a_long_explanation_is_cut_between_characters) {
  tracking_service* service;
  tracking_error error;
  char url[2048];
  strcpy(url, "memory:?");
  while (strlen(url) < 2000) strcat(url, "\xc3\xa4");
  strcat(url, "=1");
  tracking_setting setting = {TRACKING_Z("accounts"), TRACKING_Z(url)};
  CHECK(tracking_service_open(&setting, 1, &service, &error) != TRACKING_OK);
  CHECK(error.text_size < sizeof error.text && error.text[error.text_size] == '\0');
  CHECK(error.text_size > 400 && strlen(error.text) == error.text_size);
  if ((unsigned char)error.text[error.text_size - 1] >= 0x80) {
    CHECK((unsigned char)error.text[error.text_size - 1] == 0xa4);
  }
}

CASE(data_may_be_anything_but_is_checked) {
  tracking_service* service = open_service();
  tracking_event event = {0};
  event.account_id = 1;
  CHECK(track_one(service, event) == TRACKING_MALFORMED_JSON); /* no data is no JSON */
  event.data = "\"\0\"";
  event.data_size = 3;
  CHECK(track_one(service, event) == TRACKING_MALFORMED_JSON);
  event.data = "\"\xff\"";
  CHECK(track_one(service, event) == TRACKING_MALFORMED_JSON);
  event.data_size = 262145;
  char* large = malloc(event.data_size);
  memset(large, ' ', event.data_size);
  large[0] = '1';
  event.data = large;
  CHECK(track_one(service, event) == TRACKING_TOO_LARGE);
  free(large);
  tracking_service_free(service);
}
