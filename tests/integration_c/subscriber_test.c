/* Subscribing: events, gaps, cursors, filters, and the end. */
#include "case.h"

#include <pthread.h>
#include <stdlib.h>

CASE(an_event_is_delivered_with_all_its_members) {
  tracking_service* service = open_service();
  tracking_subscriber* subscriber = subscribe(service, "account_id", "1");
  tracking_batch batch = {0};
  tracking_delivery delivery;
  batch.json = "{\"account_id\":1,\"id\":\"mine\",\"occurred_at\":\"1970-01-01T00:00:01Z\",\"data\":{\"n\": 1e400}}";
  batch.json_size = strlen(batch.json);
  CHECK(tracking_service_track(service, &batch, NULL, 0, NULL, NULL) == TRACKING_OK);
  delivery = next(subscriber);
  CHECK(delivery.account_id == 1 && delivery.sequence == 1 && delivery.timestamp_us > 1600000000000000);
  CHECK(delivery.flags == TRACKING_DELIVERY_HAS_OCCURRED_AT && delivery.occurred_at_us == 1000000);
  CHECK(is_text(delivery.id, delivery.id_size, "mine"));
  CHECK(is_text(delivery.data, delivery.data_size, "{\"n\": 1e400}"));
  CHECK(delivery.producer_size > 0 && delivery.reason_size == 0 && delivery.json[delivery.json_size - 1] == '}');
  tracking_subscriber_free(subscriber);
  tracking_service_free(service);
}

CASE(deliveries_stand_in_one_text) {
  tracking_service* service = open_service();
  tracking_subscriber* subscriber = subscribe(service, "since", "all");
  tracking_deliveries got;
  for (int i = 0; i < 3; ++i) CHECK(track(service, 1, "\"line\"") == TRACKING_OK);
  CHECK(tracking_subscriber_next(subscriber, LONG_MS, 2, &got, NULL) == TRACKING_OK && got.count == 2);
  CHECK(got.text == got.items[0].json && got.text[got.text_size - 1] == '\n');
  const tracking_delivery* last = &got.items[1];
  CHECK(last->cursor + last->cursor_size + 1 == got.text + got.text_size);
  CHECK(got.items[0].cursor + got.items[0].cursor_size + 1 == last->json);
  CHECK(tracking_subscriber_next(subscriber, LONG_MS, 2, &got, NULL) == TRACKING_OK && got.count == 1);
  tracking_subscriber_free(subscriber);
  tracking_service_free(service);
}

CASE(a_cursor_resumes_behind_its_event) {
  tracking_service* service = open_service();
  tracking_subscriber* subscriber = subscribe(service, "since", "all");
  char cursor[128];
  char small[8] = "before";
  for (int i = 0; i < 3; ++i) CHECK(track(service, 1, i == 2 ? "\"third\"" : "0") == TRACKING_OK);
  next(subscriber);
  tracking_delivery second = next(subscriber);
  size_t size = tracking_subscriber_cursor(subscriber, cursor, sizeof cursor);
  CHECK(size == second.cursor_size && memcmp(cursor, second.cursor, size) == 0 && cursor[size] == '\0');
  CHECK(tracking_subscriber_cursor(subscriber, small, sizeof small) == size && strcmp(small, "before") == 0);
  tracking_subscriber_free(subscriber);

  subscriber = subscribe(service, "since", cursor);
  tracking_delivery third = next(subscriber);
  CHECK(is_text(third.data, third.data_size, "\"third\""));
  tracking_subscriber_free(subscriber);
  tracking_service_free(service);
}

CASE(who_takes_nothing_knows_where_it_begins) {
  tracking_service* service = open_service();
  tracking_subscriber* subscriber = subscribe(service, "since", "all");
  tracking_deliveries got;
  char cursor[128];
  CHECK(tracking_subscriber_next(subscriber, 0, 0, &got, NULL) == TRACKING_TIMED_OUT);
  for (int i = 0; i < 3; ++i) CHECK(track(service, 1, "1") == TRACKING_OK);
  for (int i = 0; i < 2; ++i) {
    CHECK(tracking_subscriber_next(subscriber, LONG_MS, 0, &got, NULL) == TRACKING_OK);
    CHECK(got.count == 0 && got.text_size == 0);
    CHECK(tracking_subscriber_cursor(subscriber, cursor, sizeof cursor) > 0);
    CHECK(count_from(service, cursor) == (size_t)(3 - i));
    next(subscriber);
  }
  tracking_subscriber_close(subscriber);
  CHECK(tracking_subscriber_next(subscriber, LONG_MS, 0, &got, NULL) == TRACKING_CLOSED);
  tracking_subscriber_free(subscriber);
  tracking_service_free(service);
}

CASE(what_was_missed_is_a_gap) {
  tracking_service* service = open_service();
  tracking_subscriber* subscriber = subscribe(service, "since", "c_of_another_log");
  tracking_delivery gap = next(subscriber);
  CHECK((gap.flags & TRACKING_DELIVERY_GAP) && is_text(gap.reason, gap.reason_size, "unknown-cursor"));
  CHECK(is_text(gap.json, gap.json_size, "{\"gap\":{\"reason\":\"unknown-cursor\"}}"));
  CHECK(gap.data_size == 0 && gap.account_id == 0);
  tracking_subscriber_free(subscriber);
  tracking_service_free(service);
}

CASE(accounts_change_while_it_runs) {
  tracking_service* service = open_service();
  tracking_subscriber* subscriber = subscribe(service, "account_id", "1");
  const int64_t three = 3;
  for (int i = 0; i < 3; ++i) CHECK(track(service, 1, "\"old\"") == TRACKING_OK);
  next(subscriber); /* two more were read with it */
  CHECK(tracking_subscriber_set_accounts(subscriber, &three, 1, NULL) == TRACKING_OK);
  CHECK(track(service, 1, "\"unwanted\"") == TRACKING_OK);
  CHECK(track(service, 3, "\"wanted\"") == TRACKING_OK);
  tracking_delivery delivery = next(subscriber);
  CHECK(delivery.account_id == 3);
  CHECK(tracking_subscriber_set_accounts(subscriber, NULL, 0, NULL) == TRACKING_OK);
  CHECK(track(service, 1, "1") == TRACKING_OK);
  CHECK(next(subscriber).account_id == 1);
  tracking_subscriber_free(subscriber);
  tracking_service_free(service);
}

CASE(history_has_an_end) {
  tracking_service* service = open_service();
  const tracking_setting settings[] = {{TRACKING_Z("since"), TRACKING_Z("all")},
                                       {TRACKING_Z("follow"), TRACKING_Z("false")}};
  tracking_subscriber* subscriber;
  tracking_deliveries got;
  tracking_error error;
  CHECK(track(service, 3, "1") == TRACKING_OK && track(service, 3, "2") == TRACKING_OK);
  CHECK(tracking_service_subscribe(service, settings, 2, &subscriber, NULL) == TRACKING_OK);
  next(subscriber);
  next(subscriber); /* what was read before the end was known is still handed over */
  CHECK(tracking_subscriber_next(subscriber, LONG_MS, 1, &got, &error) == TRACKING_CLOSED);
  CHECK(got.count == 0 && contains(&error, "end"));
  tracking_subscriber_free(subscriber);
  tracking_service_free(service);
}

static void* wait_for_end(void* subscriber) {
  tracking_deliveries got;
  CHECK(tracking_subscriber_next(subscriber, -1, 1, &got, NULL) == TRACKING_CLOSED);
  return NULL;
}

CASE(close_wakes_who_waits) {
  tracking_service* service = open_service();
  tracking_subscriber* subscriber = subscribe(service, "since", "now");
  tracking_deliveries got;
  pthread_t waiting;
  CHECK(pthread_create(&waiting, NULL, wait_for_end, subscriber) == 0);
  tracking_subscriber_close(subscriber);
  CHECK(pthread_join(waiting, NULL) == 0);
  CHECK(tracking_subscriber_next(subscriber, LONG_MS, 1, &got, NULL) == TRACKING_CLOSED);
  tracking_subscriber_free(subscriber);
  tracking_service_free(service);
}

CASE(after_close_nothing_is_handed_over) {
  tracking_service* service = open_service();
  tracking_subscriber* subscriber = subscribe(service, "since", "all");
  tracking_deliveries got;
  for (int i = 0; i < 3; ++i) CHECK(track(service, 1, "1") == TRACKING_OK);
  next(subscriber); /* two more were read with it */
  tracking_subscriber_close(subscriber);
  for (int i = 0; i < 3; ++i) {
    CHECK(tracking_subscriber_next(subscriber, -1, 1, &got, NULL) == TRACKING_CLOSED && got.count == 0);
  }
  tracking_subscriber_free(subscriber);
  tracking_service_free(service);
}

CASE(after_close_it_is_closed_whatever_ended_it_before) {
  tracking_subscriber* subscriber;
  tracking_deliveries got;
  const char* nobody = "http://127.0.0.1:1?retry=off";
  CHECK(tracking_subscriber_open(TRACKING_Z(nobody), NULL, 0, &subscriber, NULL) == TRACKING_OK);
  CHECK(tracking_subscriber_next(subscriber, LONG_MS, 1, &got, NULL) == TRACKING_COULD_NOT_CONNECT);
  CHECK(tracking_subscriber_next(subscriber, LONG_MS, 1, &got, NULL) == TRACKING_COULD_NOT_CONNECT);
  tracking_subscriber_close(subscriber);
  CHECK(tracking_subscriber_next(subscriber, LONG_MS, 1, &got, NULL) == TRACKING_CLOSED);
  tracking_subscriber_free(subscriber);
}

CASE(a_subscriber_may_outlive_its_service) {
  tracking_service* service = open_service();
  tracking_subscriber* subscriber = subscribe(service, "since", "now");
  tracking_deliveries got;
  tracking_service_free(service);
  CHECK(tracking_subscriber_next(subscriber, LONG_MS, 1, &got, NULL) == TRACKING_CLOSED);
  tracking_subscriber_free(subscriber);
}
