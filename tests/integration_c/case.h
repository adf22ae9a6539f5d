/* A case is a function with a name; it fails by ending the program. */
#ifndef TRACKING_TEST_CASE_H
#define TRACKING_TEST_CASE_H

#include <string.h>
#include <tracking/c.h>

typedef struct test_case {
  const char* name;
  void (*run)(void);
  struct test_case* next;
} test_case;

void add_case(test_case* added);
void fail_check(const char* file, int line, const char* what);

/* Waits for something that another thread does: in a build with sanitizers, on a busy machine. */
#define LONG_MS 30000

#define CASE(case_name)                                            \
  static void run_##case_name(void);                               \
  __attribute__((constructor)) static void add_##case_name(void) { \
    static test_case added;                                        \
    added.name = #case_name;                                       \
    added.run = run_##case_name;                                   \
    add_case(&added);                                              \
  }                                                                \
  static void run_##case_name(void)

#define CHECK(condition) ((condition) ? (void)0 : fail_check(__FILE__, __LINE__, #condition))

/* What most cases begin with: accounts 1 and 3 are active, 2 is not. */
tracking_service* open_service(void);
tracking_subscriber* subscribe(tracking_service* service, const char* name, const char* value);
/* One event whose data is the JSON text. Returns what track returns. */
tracking_code track(tracking_service* service, int64_t account_id, const char* data);
/* The next delivery, which must come. */
tracking_delivery next(tracking_subscriber* subscriber);
/* How many events a new subscriber finds from there to the end; a gap fails. */
size_t count_from(tracking_service* service, const char* cursor);
int is_text(const char* bytes, size_t size, const char* expected);
int contains(const tracking_error* error, const char* part);

#endif
