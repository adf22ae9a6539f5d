/* Runs the cases: all of them, or those that are named. */
#include "case.h"

#include <stdio.h>
#include <stdlib.h>

static test_case* first_case;

void add_case(test_case* added) {
  added->next = first_case;
  first_case = added;
}

void fail_check(const char* file, int line, const char* what) {
  fprintf(stderr, "%s:%d: not true: %s\n", file, line, what);
  exit(1);
}

int main(int count, char** names) {
  int run = 0;
  for (test_case* a = first_case; a; a = a->next) {
    int is_wanted = count == 1;
    for (int i = 1; i < count; ++i) is_wanted |= strcmp(names[i], a->name) == 0;
    if (!is_wanted) continue;
    fprintf(stderr, "%s\n", a->name);
    a->run();
    ++run;
  }
  return run > 0 ? 0 : 2;
}

tracking_service* open_service(void) {
  const tracking_setting settings[] = {{TRACKING_Z("accounts"), TRACKING_Z("memory:?active=1,3&inactive=2")}};
  tracking_service* service;
  CHECK(tracking_service_open(settings, 1, &service, NULL) == TRACKING_OK);
  return service;
}

tracking_subscriber* subscribe(tracking_service* service, const char* name, const char* value) {
  const tracking_setting setting = {TRACKING_Z(name), TRACKING_Z(value)};
  tracking_subscriber* subscriber;
  CHECK(tracking_service_subscribe(service, &setting, 1, &subscriber, NULL) == TRACKING_OK);
  return subscriber;
}

tracking_code track(tracking_service* service, int64_t account_id, const char* data) {
  tracking_event event = {0};
  tracking_batch batch = {0};
  event.account_id = account_id;
  event.data = data;
  event.data_size = strlen(data);
  batch.events = &event;
  batch.count = 1;
  return tracking_service_track(service, &batch, NULL, 0, NULL, NULL);
}

tracking_delivery next(tracking_subscriber* subscriber) {
  tracking_deliveries deliveries;
  CHECK(tracking_subscriber_next(subscriber, LONG_MS, 1, &deliveries, NULL) == TRACKING_OK);
  CHECK(deliveries.count == 1);
  return deliveries.items[0];
}

size_t count_from(tracking_service* service, const char* cursor) {
  const tracking_setting settings[] = {{TRACKING_Z("since"), TRACKING_Z(cursor)},
                                       {TRACKING_Z("follow"), TRACKING_Z("false")}};
  tracking_subscriber* subscriber;
  tracking_deliveries got;
  size_t count = 0;
  CHECK(tracking_service_subscribe(service, settings, 2, &subscriber, NULL) == TRACKING_OK);
  while (tracking_subscriber_next(subscriber, LONG_MS, 1000, &got, NULL) == TRACKING_OK) {
    for (size_t i = 0; i < got.count; ++i) CHECK((got.items[i].flags & TRACKING_DELIVERY_GAP) == 0);
    count += got.count;
  }
  tracking_subscriber_free(subscriber);
  return count;
}

int is_text(const char* bytes, size_t size, const char* expected) {
  return size == strlen(expected) && memcmp(bytes, expected, size) == 0;
}

int contains(const tracking_error* error, const char* part) { return strstr(error->text, part) != NULL; }
