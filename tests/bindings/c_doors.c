/* The doors of the C interface, moved by lines of text: c_cases_test.py runs the bindings' shared table of cases by it.
 *
 * A line of input is a verb and its words; a line of output answers each. Texts are in hexadecimal, since they may have
 * spaces, line ends and NULs in them; an empty one is "-". An event is ACCOUNT:DATA:ID:OCCURRED_AT_US, settings are
 * NAME=VALUE.
 *
 *   open SETTING...                service here            CODE
 *   connect URL                    service at a distance   CODE
 *   track EVENT...                                         CODE:DUPLICATE...
 *   subscribe SETTING...           of the service          CODE
 *   listen URL SETTING...          at a distance           CODE
 *   cursor                                                 CURSOR
 *   next TIMEOUT_MS                                        event ACCOUNT:DATA:ID:OCCURRED_AT_US CURSOR,
 *                                                          gap JSON CURSOR, or CODE
 *   accounts ID...                                         CODE
 *   leave                          frees the subscriber    ok */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracking/c.h>

enum { words_max = 64, line_max = 1 << 16 };

static tracking_service* service;
static tracking_subscriber* subscriber;

static int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

/* In place; *size is that of the text. */
static char* decoded(char* hex, size_t* size) {
  size_t i;
  *size = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;
  for (i = 0; i < *size; ++i) hex[i] = (char)(digit(hex[2 * i]) * 16 + digit(hex[2 * i + 1]));
  return hex;
}

static void print_hex(const char* text, size_t size) {
  size_t i;
  if (size == 0) putchar('-');
  for (i = 0; i < size; ++i) printf("%02x", (unsigned)(unsigned char)text[i]);
}

static void print_code(tracking_code code) { printf("%s\n", tracking_code_name(code)); }

static size_t read_settings(char** words, size_t count, tracking_setting* settings) {
  size_t i;
  for (i = 0; i < count; ++i) {
    char* const value = strchr(words[i], '=');
    settings[i].name = words[i];
    settings[i].name_size = (size_t)(value - words[i]);
    settings[i].value = decoded(value + 1, &settings[i].value_size);
  }
  return count;
}

static tracking_event read_event(char* word) {
  tracking_event event;
  char* const data = strchr(word, ':');
  char* const id = strchr(data + 1, ':');
  char* const occurred_at = strchr(id + 1, ':');
  *data = *id = *occurred_at = '\0';
  memset(&event, 0, sizeof event);
  event.account_id = strtoll(word, NULL, 10);
  event.data = decoded(data + 1, &event.data_size);
  event.id = decoded(id + 1, &event.id_size);
  if (strcmp(occurred_at + 1, "-") != 0) {
    event.occurred_at_us = strtoll(occurred_at + 1, NULL, 10);
    event.flags = TRACKING_EVENT_HAS_OCCURRED_AT;
  }
  return event;
}

static void track(char** words, size_t count) {
  tracking_event events[words_max];
  tracking_receipt receipts[words_max];
  tracking_batch batch;
  size_t i, receipts_count = 0;
  memset(&batch, 0, sizeof batch);
  for (i = 0; i < count; ++i) events[i] = read_event(words[i]);
  batch.events = events;
  batch.count = count;
  tracking_service_track(service, &batch, receipts, words_max, &receipts_count, NULL);
  for (i = 0; i < receipts_count; ++i)
    printf("%s%s:%d", i > 0 ? " " : "", tracking_code_name(receipts[i].code), receipts[i].duplicate);
  putchar('\n');
}

static void next(int64_t timeout_ms) {
  tracking_deliveries deliveries;
  const tracking_delivery* delivery;
  const tracking_code code = tracking_subscriber_next(subscriber, timeout_ms, 1, &deliveries, NULL);
  if (code != TRACKING_OK) {
    print_code(code);
    return;
  }
  delivery = &deliveries.items[0];
  if (delivery->flags & TRACKING_DELIVERY_GAP) {
    printf("gap ");
    print_hex(delivery->json, delivery->json_size);
  } else {
    printf("event %" PRId64 ":", delivery->account_id);
    print_hex(delivery->data, delivery->data_size);
    putchar(':');
    print_hex(delivery->id, delivery->id_size);
    if (delivery->flags & TRACKING_DELIVERY_HAS_OCCURRED_AT)
      printf(":%" PRId64, delivery->occurred_at_us);
    else
      printf(":-");
  }
  putchar(' ');
  print_hex(delivery->cursor, delivery->cursor_size);
  putchar('\n');
}

static void set_accounts(char** words, size_t count) {
  int64_t ids[words_max];
  size_t i;
  for (i = 0; i < count; ++i) ids[i] = strtoll(words[i], NULL, 10);
  print_code(tracking_subscriber_set_accounts(subscriber, ids, count, NULL));
}

static void print_cursor(void) {
  char cursor[128];
  print_hex(cursor, tracking_subscriber_cursor(subscriber, cursor, sizeof cursor));
  putchar('\n');
}

static int run(char** words, size_t count) {
  tracking_setting settings[words_max];
  size_t size = 0;
  if (strcmp(words[0], "open") == 0) {
    print_code(tracking_service_open(settings, read_settings(words + 1, count - 1, settings), &service, NULL));
  } else if (strcmp(words[0], "connect") == 0) {
    const char* const url = decoded(words[1], &size);
    print_code(tracking_service_connect(url, size, NULL, 0, &service, NULL));
  } else if (strcmp(words[0], "track") == 0) {
    track(words + 1, count - 1);
  } else if (strcmp(words[0], "subscribe") == 0) {
    const size_t settings_count = read_settings(words + 1, count - 1, settings);
    print_code(tracking_service_subscribe(service, settings, settings_count, &subscriber, NULL));
  } else if (strcmp(words[0], "listen") == 0) {
    const char* const url = decoded(words[1], &size);
    const size_t settings_count = read_settings(words + 2, count - 2, settings);
    print_code(tracking_subscriber_open(url, size, settings, settings_count, &subscriber, NULL));
  } else if (strcmp(words[0], "cursor") == 0) {
    print_cursor();
  } else if (strcmp(words[0], "next") == 0) {
    next(strtoll(words[1], NULL, 10));
  } else if (strcmp(words[0], "accounts") == 0) {
    set_accounts(words + 1, count - 1);
  } else if (strcmp(words[0], "leave") == 0) {
    tracking_subscriber_free(subscriber);
    subscriber = NULL;
    puts("ok");
  } else {
    return 0;
  }
  return 1;
}

int main(void) {
  static char line[line_max];
  int is_understood = 1;
  while (is_understood && fgets(line, sizeof line, stdin)) {
    char* words[words_max];
    size_t count = 0;
    char* word;
    for (word = strtok(line, " \n"); word && count < words_max; word = strtok(NULL, " \n")) words[count++] = word;
    is_understood = count > 0 && run(words, count);
    fflush(stdout);
  }
  tracking_subscriber_free(subscriber);
  tracking_service_free(service);
  return is_understood ? 0 : 2;
}
