/* Two calls at one time, in every order that their locks allow: before each lock that the one takes, the other runs as
 * far as it comes. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "case.h"

#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

typedef struct calls {
  tracking_service* service;
  tracking_subscriber* subscriber;
  void (*other)(struct calls*);
  size_t handed_over;
  char cursor[128];
  sem_t begin; /* the other call */
  sem_t end;
} calls;

static __thread calls* interrupted; /* of this thread */
static __thread int locks_left;     /* before it is */

typedef int (*lock_function)(pthread_mutex_t*);

static lock_function real_lock(void) {
  union {
    void* symbol;
    lock_function function;
  } found = {.symbol = dlsym(RTLD_NEXT, "pthread_mutex_lock")};
  return found.function;
}

/* If this one holds a lock that the other needs, the other cannot be waited for: so for a moment only. */
static void let_other_run(calls* it) {
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_nsec += 50000000;
  deadline.tv_sec += deadline.tv_nsec / 1000000000;
  deadline.tv_nsec %= 1000000000;
  sem_post(&it->begin);
  sem_timedwait(&it->end, &deadline);
}

/* Found before that of the C library, by the engine too. */
int pthread_mutex_lock(pthread_mutex_t* mutex) {
  if (interrupted && --locks_left == 0) let_other_run(interrupted);
  return real_lock()(mutex);
}

static void* make_other_call(void* user) {
  calls* it = user;
  sem_wait(&it->begin);
  it->other(it);
  sem_post(&it->end);
  return NULL;
}

/* Runs the calls, again and again, with three events of account 1 tracked before; then `check`. */
static void in_every_order(const char* since, void (*one)(calls*), void (*other)(calls*), void (*check)(calls*)) {
  int was_interrupted = 1, orders = 0;
  for (; was_interrupted; ++orders) {
    calls it = {.service = open_service(), .other = other};
    pthread_t thread;
    for (int i = 0; i < 3; ++i) CHECK(track(it.service, 1, "1") == TRACKING_OK);
    it.subscriber = subscribe(it.service, "since", since);
    CHECK(sem_init(&it.begin, 0, 0) == 0 && sem_init(&it.end, 0, 0) == 0);
    CHECK(pthread_create(&thread, NULL, make_other_call, &it) == 0);
    locks_left = orders + 1;
    interrupted = &it;
    one(&it);
    interrupted = NULL;
    was_interrupted = locks_left <= 0;
    if (!was_interrupted) sem_post(&it.begin);
    CHECK(pthread_join(thread, NULL) == 0);
    check(&it);
    tracking_subscriber_free(it.subscriber);
    tracking_service_free(it.service);
    sem_destroy(&it.begin);
    sem_destroy(&it.end);
  }
  CHECK(orders > 2);
}

static void set_account(calls* it, int64_t account_id) {
  CHECK(tracking_subscriber_set_accounts(it->subscriber, &account_id, 1, NULL) == TRACKING_OK);
}

static void set_one(calls* it) { set_account(it, 1); }
static void set_three(calls* it) { set_account(it, 3); }

/* One of both comes, whichever change was the last. */
static void check_filter(calls* it) {
  CHECK(track(it->service, 1, "1") == TRACKING_OK && track(it->service, 3, "1") == TRACKING_OK);
  next(it->subscriber);
}

CASE(of_two_changes_of_the_accounts_one_holds) { in_every_order("now", set_one, set_three, check_filter); }

static void read_one(calls* it) {
  tracking_deliveries got;
  tracking_code code = tracking_subscriber_next(it->subscriber, -1, 1, &got, NULL);
  CHECK(code == TRACKING_OK || code == TRACKING_CLOSED);
  CHECK(got.count == (code == TRACKING_OK ? 1 : 0));
  it->handed_over = got.count;
}

static void ask_cursor(calls* it) {
  CHECK(tracking_subscriber_cursor(it->subscriber, it->cursor, sizeof it->cursor) > 0);
}

static void check_cursor(calls* it) { CHECK(count_from(it->service, it->cursor) + it->handed_over >= 3); }

CASE(a_cursor_asked_for_during_a_read_is_not_ahead_of_it) { in_every_order("all", read_one, ask_cursor, check_cursor); }

static void close_and_ask(calls* it) {
  tracking_subscriber_close(it->subscriber);
  ask_cursor(it);
}

static void check_resuming(calls* it) {
  tracking_deliveries got;
  CHECK(count_from(it->service, it->cursor) + it->handed_over == 3);
  CHECK(tracking_subscriber_next(it->subscriber, -1, 1, &got, NULL) == TRACKING_CLOSED);
}

CASE(a_close_during_a_read_neither_loses_nor_repeats) {
  in_every_order("all", read_one, close_and_ask, check_resuming);
}
