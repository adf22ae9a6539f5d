/* One subscriber in the hands of several threads. */
#include "case.h"

#include <pthread.h>

enum { rounds = 300, events = 40 };

typedef struct reading {
  tracking_subscriber* subscriber;
  size_t slice;
  size_t count;
  char cursor[128]; /* of the last one that was handed over */
} reading;

static void* read_until_closed(void* user) {
  reading* it = user;
  for (;;) {
    tracking_deliveries got;
    tracking_code code = tracking_subscriber_next(it->subscriber, -1, it->slice, &got, NULL);
    if (code != TRACKING_OK) {
      CHECK(code == TRACKING_CLOSED && got.count == 0);
      return NULL;
    }
    const tracking_delivery* last = &got.items[got.count - 1];
    it->count += got.count;
    memcpy(it->cursor, last->cursor, last->cursor_size);
    it->cursor[last->cursor_size] = '\0';
  }
}

CASE(where_a_reader_was_closed_another_goes_on) {
  tracking_service* service = open_service();
  for (int i = 0; i < events; ++i) CHECK(track(service, 1, "1") == TRACKING_OK);
  for (int i = 0; i < rounds; ++i) {
    reading it = {subscribe(service, "since", "all"), (size_t)(i % 3 + 1), 0, ""};
    char cursor[128];
    pthread_t reader;
    CHECK(pthread_create(&reader, NULL, read_until_closed, &it) == 0);
    /* Closed while it begins, or after its first event. */
    do {
      CHECK(tracking_subscriber_cursor(it.subscriber, cursor, sizeof cursor) > 0);
    } while (i % 2 == 1 && count_from(service, cursor) == events);
    tracking_subscriber_close(it.subscriber);
    CHECK(tracking_subscriber_cursor(it.subscriber, cursor, sizeof cursor) > 0);
    CHECK(pthread_join(reader, NULL) == 0);
    CHECK(it.count == 0 || strcmp(cursor, it.cursor) == 0); /* it has not moved since the close */
    CHECK(it.count + count_from(service, cursor) == events);
    tracking_subscriber_free(it.subscriber);
  }
  tracking_service_free(service);
}

typedef struct copy {
  tracking_delivery items[2];
  char text[1024];
  size_t text_size;
} copy;

static copy copy_of(const tracking_deliveries* got) {
  copy it = {.text_size = got->text_size};
  CHECK(got->count == 2 && got->text_size <= sizeof it.text);
  memcpy(it.items, got->items, sizeof it.items);
  memcpy(it.text, got->text, got->text_size);
  return it;
}

static int is_as_it_was(const tracking_deliveries* got, const copy* it) {
  return memcmp(it->items, got->items, sizeof it->items) == 0 && memcmp(it->text, got->text, it->text_size) == 0 &&
         is_text(got->items[1].data, got->items[1].data_size, "\"kept\"");
}

static void* make_other_calls(void* user) {
  tracking_subscriber* subscriber = user;
  const int64_t three = 3;
  char cursor[128];
  CHECK(tracking_subscriber_set_accounts(subscriber, &three, 1, NULL) == TRACKING_OK);
  CHECK(tracking_subscriber_cursor(subscriber, cursor, sizeof cursor) > 0);
  tracking_subscriber_close(subscriber);
  return NULL;
}

CASE(what_is_handed_out_stays_whatever_else_is_called) {
  tracking_service* service = open_service();
  tracking_subscriber* subscriber = subscribe(service, "since", "all");
  tracking_deliveries got;
  pthread_t other;
  for (int i = 0; i < 3; ++i) CHECK(track(service, 1, "\"kept\"") == TRACKING_OK);
  CHECK(tracking_subscriber_next(subscriber, LONG_MS, 2, &got, NULL) == TRACKING_OK);
  copy before = copy_of(&got);
  CHECK(pthread_create(&other, NULL, make_other_calls, subscriber) == 0);
  for (int i = 0; i < 100; ++i) CHECK(is_as_it_was(&got, &before));
  CHECK(pthread_join(other, NULL) == 0);
  tracking_service_free(service);
  CHECK(is_as_it_was(&got, &before));
  tracking_subscriber_free(subscriber);
}
