// Deadlines, with times short enough to wait for.
#include "integration_server/fixture.h"

namespace tracking::httpd {
namespace {

TEST_F(ListenerTest, AHeadThatTakesTooLongIs408) {
  start(quick_settings(&ListenerSettings::head_timeout));
  Client client = connect();
  client.send("POST / HTTP/1.1\r\nHo");
  const std::string answer = client.read_to_end();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408")) << answer;
}

TEST_F(ListenerTest, AnIdleConnectionIsClosedSilently) {
  start(quick_settings(&ListenerSettings::idle_timeout));
  Client client = connect();
  client.send(post());
  EXPECT_EQ(202, client.read_status());
  EXPECT_EQ("", client.read_to_end());
}

TEST_F(ListenerTest, ABodyThatTakesTooLongIs408AndCounted) {
  start(quick_settings(&ListenerSettings::body_timeout));
  Client client = connect();
  client.send(post().substr(0, 60));
  const std::string answer = client.read_to_end();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408")) << answer;
  EXPECT_EQ(1u, ledger_.read().rejected["request-timeout"]);
}

TEST_F(ListenerTest, LinesThatStopComingEndTheBodyAtTheLastWholeOne) {
  start(quick_settings(&ListenerSettings::ndjson_idle_timeout));
  Client client = connect();
  client.send(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\nContent-Length: 999\r\n\r\n"
      "{\"account_id\":1,\"data\":1}\n{\"acc");
  const std::string answer = client.read_to_end();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 202")) << answer;
  EXPECT_NE(std::string::npos, answer.find("\"accepted\":1")) << answer;
}

TEST_F(ListenerTest, LinesThatKeepComingMayTakeLongerThanABody) {
  start(quick_settings(&ListenerSettings::body_timeout));
  Client client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n");
  const auto begun = std::chrono::steady_clock::now();
  std::uint64_t lines = 0;
  while (std::chrono::steady_clock::now() - begun < std::chrono::milliseconds(900)) {
    client.send("1a\r\n{\"account_id\":1,\"data\":1}\n\r\n");
    ++lines;
    ASSERT_TRUE(eventually([&] { return ledger_.read().accepted == lines; }));
  }
  client.send("0\r\n\r\n");
  EXPECT_EQ(202, client.read_status());
}

TEST_F(ListenerTest, AnIdleStreamGetsHeartbeats) {
  start(quick_settings(&ListenerSettings::heartbeat));
  Client client = connect();
  client.send("GET /v1/events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n");
  EXPECT_NE(std::string::npos, client.read_until("retry: 2000\n").find("200 OK"));
  for (int i = 0; i < 3; ++i) EXPECT_NE(std::string::npos, client.read_until("\n:\n").find(":\n"));
}

TEST_F(ListenerTest, AfterAnEarlyAnswerTheRestIsDroppedForAWhileOnly) {
  start(quick_settings(&ListenerSettings::linger));
  Client client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\nx");
  EXPECT_EQ(415, client.read_status());
  EXPECT_EQ("", client.read_to_end());
}

TEST_F(ListenerTest, AnswersOutOfOurHandsHaveNoDeadline) {
  ListenerSettings settings = patient_settings();
  settings.head_timeout = settings.body_timeout = settings.idle_timeout = std::chrono::seconds(1);
  start(settings);
  Client client = connect();
  faults_->hold();
  client.send(post());
  ASSERT_TRUE(eventually([&] { return ledger_.read().in_flight == 1; }));
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(eventually([&] { return std::chrono::steady_clock::now() - begun > std::chrono::milliseconds(1'500); }));
  faults_->release();
  broker_->complete_held();
  EXPECT_EQ(202, client.read_status());
}

}  // namespace
}  // namespace tracking::httpd
