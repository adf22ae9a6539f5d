// What a request costs in calls of the kernel.
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include <atomic>

#include "integration_server/fixture.h"

namespace {

struct Calls {
  std::atomic<int> receives{0};
  std::atomic<int> sends{0};
  std::atomic<int> changes{0};  // of what is waited for
};
Calls calls;

/// Counts for the event loops alone: this program's clients make the same calls.
void count(std::atomic<int>& counter) noexcept {
  char name[16] = {};
  pthread_getname_np(pthread_self(), name, sizeof name);
  if (std::string_view(name) == "http-loop") ++counter;
}

}  // namespace

// In place of libc's, for the whole program.
extern "C" ssize_t recv(int socket, void* bytes, std::size_t size, int flags) {
  count(calls.receives);
  return ::syscall(SYS_recvfrom, socket, bytes, size, flags, nullptr, nullptr);
}
extern "C" ssize_t send(int socket, const void* bytes, std::size_t size, int flags) {
  count(calls.sends);
  return ::syscall(SYS_sendto, socket, bytes, size, flags, nullptr, 0);
}
extern "C" int epoll_ctl(int epoll, int operation, int descriptor, epoll_event* event) noexcept {
  count(calls.changes);
  return static_cast<int>(::syscall(SYS_epoll_ctl, epoll, operation, descriptor, event));
}

namespace tracking::httpd {
namespace {

class SystemCalls : public ListenerTest {
 protected:
  void SetUp() override {
    ListenerSettings settings = patient_settings();
    settings.threads = 1;
    start(settings);
  }
};

TEST_F(SystemCalls, ARequestCostsOneReceiveAndOneSend) {
  Client client = connect();
  client.send(post());
  ASSERT_EQ(202, client.read_status());
  const int receives = calls.receives;
  const int sends = calls.sends;
  const int changes = calls.changes;
  constexpr int requests = 200;
  for (int i = 0; i < requests; ++i) {
    client.send(post());
    ASSERT_EQ(202, client.read_status());
  }
  EXPECT_EQ(requests, calls.receives - receives);
  EXPECT_EQ(requests, calls.sends - sends);
  EXPECT_EQ(changes, calls.changes);
}

TEST_F(SystemCalls, ManyRequestsThatCameTogetherCostOneReceiveAndOneSend) {
  Client client = connect();
  client.send(post());
  ASSERT_EQ(202, client.read_status());
  const int receives = calls.receives;
  const int sends = calls.sends;
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += post();
  client.send(requests);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(202, client.read_status());
  EXPECT_EQ(1, calls.receives - receives);
  EXPECT_EQ(1, calls.sends - sends);
}

}  // namespace
}  // namespace tracking::httpd
