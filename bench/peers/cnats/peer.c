/* What the work costs between programs that have nothing but cnats: the yardstick for tracking over NATS.
 *
 *   peer publish URL RATE SECONDS       event lines at even distances, each with the time at which it was due
 *   peer subscribe URL                  reads those, until nothing comes for a second
 *   peer read                           the same from lines of `tracking-cli subscribe -o raw` on stdin
 *   peer stream URL PENDING SECONDS     the asynchronous publisher of JetStream, with so many events under way
 *
 * Times are of CLOCK_MONOTONIC, as `tracking-cli bench --subscribers` writes them: 16 hexadecimal digits behind ten
 * characters of data. Reports are a line of JSON, times in microseconds. */
#include <inttypes.h>
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { samples_max = 4000000, time_offset = 11 };
static const int64_t second = 1000000000;
static const int64_t warm_up = 300000000;

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * second + time.tv_nsec;
}

static void check(natsStatus status, const char* what) {
  if (status == NATS_OK) return;
  fprintf(stderr, "%s: %s\n", what, natsStatus_GetText(status));
  exit(1);
}

static natsConnection* connect_to(const char* url) {
  natsOptions* options = NULL;
  natsConnection* connection = NULL;
  check(natsOptions_Create(&options), "options");
  check(natsOptions_SetURL(options, url), url);
  /* Otherwise a thread of cnats sends what gathered, after a pause. */
  check(natsOptions_SetSendAsap(options, true), "send");
  check(natsConnection_Connect(&connection, options), "connect");
  natsOptions_Destroy(options);
  return connection;
}

/* An event line, of the size that tracking-httpd makes of the bench's events. */
static int write_line(char* line, size_t size, int64_t due, int64_t number) {
  return snprintf(line, size,
                  "{\"id\":\"01936f5e-8c1a-7cc3-98c4-%012" PRIx64
                  "\",\"account_id\":1,\"timestamp\":\"2026-11-23T20:24:06.751257Z\",\"producer\":\"5zq0w9c1\","
                  "\"sequence\":%" PRId64 ",\"data\":\"b000000000%016" PRIx64 "\"}",
                  (uint64_t)number, number, (uint64_t)due);
}

/* --- Latency ------------------------------------------------------------------------------------------------------ */

static int64_t* samples;
static size_t sample_count;
static int64_t first_due;

static void take(const char* line, size_t size) {
  const char* const end = line + size;
  const char* at = memmem(line, size, "\"data\":", 7);
  at = (at ? at + 7 : line) + time_offset;
  if (end - at < 16) return;
  char digits[17] = {0};
  memcpy(digits, at, 16);
  const int64_t due = (int64_t)strtoull(digits, NULL, 16);
  if (first_due == 0) first_due = due;
  if (due - first_due < warm_up || sample_count == samples_max) return;
  samples[sample_count++] = now() - due;
}

static int compare(const void* left, const void* right) {
  const int64_t a = *(const int64_t*)left;
  const int64_t b = *(const int64_t*)right;
  return (a > b) - (a < b);
}

static double percentile(double part) {
  if (sample_count == 0) return 0;
  return (double)samples[(size_t)(part * (double)(sample_count - 1))] / 1000;
}

static void report_latency(void) {
  qsort(samples, sample_count, sizeof *samples, compare);
  printf("{\"events\":%zu,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f}\n", sample_count, percentile(0.5),
         percentile(0.9), percentile(0.99), percentile(1));
}

static void publish(const char* url, int64_t rate, double seconds) {
  natsConnection* const connection = connect_to(url);
  const int64_t begun = now();
  const int64_t events = (int64_t)(seconds * (double)rate);
  for (int64_t number = 0; number < events; ++number) {
    const int64_t due = begun + number * second / rate;
    const struct timespec time = {.tv_sec = due / second, .tv_nsec = due % second};
    if (now() < due) clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
    char line[512];
    const int size = write_line(line, sizeof line, due, number);
    check(natsConnection_Publish(connection, "tracking.events.1", line, size), "publish");
  }
  check(natsConnection_Flush(connection), "flush");
  natsConnection_Destroy(connection);
}

static void subscribe(const char* url) {
  natsConnection* const connection = connect_to(url);
  natsSubscription* subscription = NULL;
  natsMsg* message = NULL;
  check(natsConnection_SubscribeSync(&subscription, connection, "tracking.events.*"), "subscribe");
  check(natsSubscription_SetPendingLimits(subscription, -1, -1), "limits");
  check(natsConnection_Flush(connection), "flush");
  fprintf(stderr, "connected\n");
  int64_t patience_ms = 30000;
  while (natsSubscription_NextMsg(&message, subscription, patience_ms) == NATS_OK) {
    take(natsMsg_GetData(message), (size_t)natsMsg_GetDataLength(message));
    natsMsg_Destroy(message);
    patience_ms = 1000;
  }
  report_latency();
  natsSubscription_Destroy(subscription);
  natsConnection_Destroy(connection);
}

static void read_lines(void) {
  char* line = NULL;
  size_t capacity = 0;
  ssize_t size = 0;
  while ((size = getline(&line, &capacity, stdin)) > 0) take(line, (size_t)size);
  free(line);
  report_latency();
}

/* --- JetStream ---------------------------------------------------------------------------------------------------- */

static double cpu_us(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void stream(const char* url, int64_t pending, double seconds) {
  natsConnection* const connection = connect_to(url);
  jsCtx* js = NULL;
  jsOptions options;
  check(jsOptions_Init(&options), "options");
  options.PublishAsync.MaxPending = pending;
  options.PublishAsync.StallWait = 10000;
  check(natsConnection_JetStream(&js, connection, &options), "JetStream");
  jsStreamConfig config;
  check(jsStreamConfig_Init(&config), "configuration");
  const char* subjects[] = {"bare.*"};
  config.Name = "BARE";
  config.Subjects = subjects;
  config.SubjectsLen = 1;
  jsErrCode error = 0;
  const natsStatus made = js_AddStream(NULL, js, &config, NULL, &error);
  if (made != NATS_OK && error != JSStreamNameExistErr) check(made, "stream");

  int64_t number = 0;
  const double cpu_before = cpu_us();
  const int64_t begun = now();
  const int64_t end = begun + (int64_t)(seconds * (double)second);
  while (now() < end) {
    char line[512];
    char id[64];
    natsMsg* message = NULL;
    const int size = write_line(line, sizeof line, now(), ++number);
    snprintf(id, sizeof id, "1:%" PRId64 "-%" PRId64, begun, number);
    check(natsMsg_Create(&message, "bare.1", NULL, line, size), "message");
    jsPubOptions published;
    jsPubOptions_Init(&published);
    published.MsgId = id;
    check(js_PublishMsgAsync(js, &message, &published), "publish");
  }
  jsPubOptions complete;
  jsPubOptions_Init(&complete);
  complete.MaxWait = 20000;
  check(js_PublishAsyncComplete(js, &complete), "acknowledgements");
  const double spent = cpu_us() - cpu_before;
  printf("{\"events\":%" PRId64 ",\"cpu_us\":%.3f,\"events_per_second\":%.0f}\n", number, spent / (double)number,
         (double)number / ((double)(now() - begun) / (double)second));
  jsCtx_Destroy(js);
  natsConnection_Destroy(connection);
}

int main(int count, char** words) {
  const char* const verb = count > 1 ? words[1] : "";
  samples = malloc(samples_max * sizeof *samples);
  if (!samples) return 1;
  if (strcmp(verb, "publish") == 0 && count == 5) {
    publish(words[2], atoll(words[3]), atof(words[4]));
  } else if (strcmp(verb, "subscribe") == 0 && count == 3) {
    subscribe(words[2]);
  } else if (strcmp(verb, "read") == 0 && count == 2) {
    read_lines();
  } else if (strcmp(verb, "stream") == 0 && count == 5) {
    stream(words[2], atoll(words[3]), atof(words[4]));
  } else {
    fprintf(stderr, "usage: see the head of peer.c\n");
    return 2;
  }
  free(samples);
  nats_Close();
  return 0;
}
