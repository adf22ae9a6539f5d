// Answers that come late, on other threads, or when nobody waits for them any more.
#include <thread>
#include <vector>

#include "integration_server/fixture.h"

namespace tracking::httpd {
namespace {

TEST_F(ListenerTest, AnswersThatComeLateKeepTheRequestsOrder) {
  start(patient_settings());
  Client client = connect();
  faults_->hold();
  client.send(post() + "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n" + post("{") + post());
  ASSERT_TRUE(eventually([&] { return ledger_.read().in_flight == 2; }));
  faults_->release();
  broker_->complete_held();
  EXPECT_EQ(202, client.read_status());
  EXPECT_EQ(200, client.read_status());
  EXPECT_EQ(400, client.read_status());
  EXPECT_EQ(202, client.read_status());
}

TEST_F(ListenerTest, AnEndThatComesInOnePacketWithTheRequestIsNoticed) {
  start(patient_settings());
  Client client = connect();
  client.send_last(post());
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 202"));
  EXPECT_TRUE(eventually([&] { return connections() == 0; }));
}

TEST_F(ListenerTest, AnAnswerThatIsWaitedForComesAfterTheEndOfWhatWasSent) {
  start(patient_settings());
  Client client = connect();
  faults_->hold();
  client.send_last(post());
  ASSERT_TRUE(eventually([&] { return ledger_.read().in_flight == 1; }));
  faults_->release();
  broker_->complete_held();
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 202"));
  EXPECT_TRUE(eventually([&] { return connections() == 0; }));
}

TEST_F(ListenerTest, AnAnswerThatComesAfterItsConnectionIsCountedAndForgotten) {
  start(patient_settings());
  faults_->hold();
  {
    Client client = connect();
    client.send(post() + post());
    ASSERT_TRUE(eventually([&] { return ledger_.read().in_flight == 2; }));
    client.reset();
  }
  ASSERT_TRUE(eventually([&] { return connections() == 0; }));
  faults_->release();
  broker_->complete_held();
  EXPECT_TRUE(eventually([&] { return ledger_.read().accepted == 2 && ledger_.read().in_flight == 0; }));
}

TEST_F(ListenerTest, FurtherPipelinedRequestsWaitUnreadWhileManyAreUnanswered) {
  start(patient_settings());
  Client client = connect();
  faults_->hold();
  std::string requests;
  for (int i = 0; i < 200; ++i) requests += post();
  client.send(requests);
  ASSERT_TRUE(eventually([&] { return ledger_.read().in_flight >= 64; }));
  EXPECT_EQ(64u, ledger_.read().in_flight);
  faults_->release();
  broker_->complete_held();
  for (int i = 0; i < 200; ++i) ASSERT_EQ(202, client.read_status()) << i;
}

TEST_F(ListenerTest, ABodyOfLinesPausesWhileTooMuchIsInFlightAndGoesOn) {
  start(patient_settings());
  Client client = connect();
  faults_->hold();
  std::string body;
  for (int i = 0; i < 20'000; ++i) body += "{\"account_id\":1,\"data\":1}\n";
  std::thread sender([&] { client.send(post(body, "Content-Type: application/x-ndjson\r\n")); });
  ASSERT_TRUE(eventually([&] { return ledger_.read().in_flight > 2'000; }));
  EXPECT_LT(ledger_.read().in_flight, 10'000u);
  faults_->release();
  // What is held then is completed; what follows completes by itself.
  broker_->complete_held();
  sender.join();
  EXPECT_EQ(202, client.read_status());
  EXPECT_EQ(20'000u, ledger_.read().accepted);
}

TEST_F(ListenerTest, DrainWaitsForAnswersThatAreOut) {
  start(patient_settings());
  Client client = connect();
  faults_->hold();
  client.send(post());
  ASSERT_TRUE(eventually([&] { return ledger_.read().in_flight == 1; }));
  const std::uint16_t port = listener_->port();
  std::thread drainer([&] { EXPECT_TRUE(listener_->drain(patience)); });
  EXPECT_TRUE(eventually([&] { return is_refused(port); }));
  faults_->release();
  broker_->complete_held();
  drainer.join();
  const std::string answer = client.read_to_end();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 202")) << answer;
}

TEST_F(ListenerTest, DrainCutsWhatDoesNotEnd) {
  start(patient_settings());
  Client client = connect();
  client.send(post().substr(0, 60));
  ASSERT_TRUE(eventually([&] { return connections() == 1; }));
  EXPECT_FALSE(listener_->drain(std::chrono::milliseconds(50)));
  client.read_to_end();
  EXPECT_TRUE(eventually([&] { return connections() == 0; }));
}

TEST_F(ListenerTest, ASecondListenerOnThePortIsAnErrorThatNamesIt) {
  start(patient_settings());
  ListenerSettings settings = patient_settings();
  settings.address = "127.0.0.1:" + std::to_string(listener_->port());
  const auto second = PublicListener::bind(settings, *service_, ledger_, {});
  ASSERT_FALSE(second);
  EXPECT_NE(std::string::npos, second.error().message().find(settings.address)) << second.error().message();
}

TEST_F(ListenerTest, ConnectionsOverTheLimitAreRefusedAndCounted) {
  ListenerSettings settings = patient_settings();
  settings.connections_max = 2;
  start(settings);
  Client one = connect();
  Client two = connect();
  one.send(post());
  two.send(post());
  EXPECT_EQ(202, one.read_status());
  EXPECT_EQ(202, two.read_status());
  Client three = connect();
  EXPECT_NE(std::string::npos, three.read_to_end().find("overloaded"));
  EXPECT_EQ(1u, listener_->metrics().front()->connections_refused.load());
}

TEST_F(ListenerTest, ManyClientsOnTwoLoopsGetTheirAnswers) {
  start(patient_settings());
  std::vector<std::thread> threads;
  for (int n = 0; n < 8; ++n) {
    threads.emplace_back([this] {
      Client client = connect();
      for (int i = 0; i < 200; ++i) {
        client.send(post());
        ASSERT_EQ(202, client.read_status());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(1600u, ledger_.read().accepted);
}

}  // namespace
}  // namespace tracking::httpd
