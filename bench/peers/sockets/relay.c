/* What a relay of events costs that is nothing but epoll, recv and send: the yardstick for tracking-httpd's streams.
 *
 *   relay PORT
 *
 * It speaks as much HTTP as `tracking-cli bench` does, so that the same generator and the same readers stand on both
 * sides of it and of tracking-httpd. Whatever is posted is answered with a 202 that never changes, and then sent to
 * every subscriber in a loop of `send`, in a frame of the bytes that tracking-httpd would make of it. Nothing is parsed
 * but where the data begins, nothing is checked, kept or counted; a request must come in one piece, and a subscriber
 * must take a frame at once: else it ends, with a message. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { events_max = 512, descriptors_max = 1 << 20, request_bytes_max = 4096 };

static const char answer[] =
    "HTTP/1.1 202 Accepted\r\nDate: Mon, 23 Nov 2026 20:24:06 GMT\r\nContent-Type: application/json\r\n"
    "Content-Length: 100\r\n\r\n"
    "{\"id\":\"01936f5e-8c1a-7cc3-98c4-dc0c0c07398f\",\"timestamp\":\"2026-11-23T20:24:06.751257Z\",\"ack\":\"sent\"}";
static const char ready[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
static const char stream_head[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

static int subscribers[descriptors_max];
static int subscriber_count;
static int place_of[descriptors_max]; /* by descriptor, from 1; 0: no subscriber */

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static void send_all(int descriptor, const char* bytes, size_t size) {
  if (send(descriptor, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)size && errno != EPIPE &&
      errno != ECONNRESET)
    fail("send");
}

static void subscribe(int descriptor) {
  send_all(descriptor, stream_head, sizeof stream_head - 1);
  subscribers[subscriber_count] = descriptor;
  place_of[descriptor] = ++subscriber_count;
}

static void forget(int descriptor) {
  const int place = place_of[descriptor];
  if (place > 0) {
    const int last = subscribers[--subscriber_count];
    subscribers[place - 1] = last;
    place_of[last] = place;
    place_of[descriptor] = 0;
  }
  close(descriptor);
}

/* The chunk that tracking-httpd makes of an event, but with an id, a cursor and a time that stay the same. */
static size_t write_frame(char* frame, size_t room, const char* data) {
  static const char before[] =
      "id: c_AZNvXowafMOYxNwMDAc5jwAAAZNvXowafMOYxNwMDAc5jwAA\n"
      "data: "
      "{\"id\":\"01936f5e-8c1a-7cc3-98c4-dc0c0c07398f\",\"account_id\":1,\"timestamp\":\"2026-11-23T20:24:06.751257Z\","
      "\"producer\":\"5zq0w9c1\",\"sequence\":4242,";
  return (size_t)snprintf(frame, room, "%08zx\r\n%s%s\n\n\r\n", sizeof before - 1 + strlen(data) + 2, before, data);
}

static void relay(int descriptor, char* request) {
  send_all(descriptor, answer, sizeof answer - 1);
  const char* const data = strstr(request, "\"data\":");
  if (!data) fail("a request came in pieces");
  char frame[request_bytes_max + 512];
  const size_t size = write_frame(frame, sizeof frame, data);
  for (int i = 0; i < subscriber_count; ++i) send_all(subscribers[i], frame, size);
}

static void receive(int descriptor) {
  char request[request_bytes_max + 1];
  const ssize_t size = recv(descriptor, request, request_bytes_max, 0);
  if (size <= 0) return forget(descriptor);
  request[size] = '\0';
  if (strncmp(request, "POST ", 5) == 0) {
    relay(descriptor, request);
  } else if (strncmp(request, "GET /v1/events", 14) == 0) {
    subscribe(descriptor);
  } else {
    send_all(descriptor, ready, sizeof ready - 1);
  }
}

static int listen_on(const char* port) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* inherited by what is accepted */
  if (bind(listener, (struct sockaddr*)&address, sizeof address) != 0 || listen(listener, 4096) != 0) fail("listen");
  return listener;
}

static void watch(int epoll, int descriptor) {
  struct epoll_event event = {.events = EPOLLIN, .data = {.fd = descriptor}};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) fail("epoll_ctl");
}

int main(int count, char** words) {
  if (count != 2) return fprintf(stderr, "usage: see the head of relay.c\n"), 2;
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max < descriptors_max ? limit.rlim_max : descriptors_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const int listener = listen_on(words[1]);
  const int epoll = epoll_create1(0);
  watch(epoll, listener);
  for (;;) {
    struct epoll_event events[events_max];
    const int ready_count = epoll_wait(epoll, events, events_max, -1);
    for (int i = 0; i < ready_count; ++i) {
      if (events[i].data.fd != listener) {
        receive(events[i].data.fd);
        continue;
      }
      const int accepted = accept(listener, NULL, NULL);
      if (accepted < 0) fail("accept");
      watch(epoll, accepted);
    }
  }
}
