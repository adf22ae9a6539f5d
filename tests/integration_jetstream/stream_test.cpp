// The stream: made, taken as it is, refused, lost, and made again.
#include "integration_jetstream/jetstream_support.h"

namespace tracking::test {
namespace {

using namespace std::chrono_literals;

TEST_F(JetStreamTest, TheStreamIsMadeAsTheUrlAsks) {
  server_.start();
  const auto replica =
      ready_replica("?stream=MINE&prefix=my.events&storage=memory&max_age=7d&max_size=1GiB&duplicate_window=5m");
  const auto info = Stranger(server_).ask("STREAM.INFO.MINE");
  for (const std::string part :
       {R"("subjects":["my.events.*"])", R"("storage":"memory")", R"("max_age":604800000000000)", R"("discard":"new")",
        R"("max_bytes":1073741824)", R"("duplicate_window":300000000000)", R"("retention":"limits")"}) {
    EXPECT_NE(info.find(part), info.npos) << part << " in " << info;
  }
  EXPECT_EQ(replica.track(1, "1").ack, AckLevel::stored);
}

TEST_F(JetStreamTest, AStreamWithOtherSettingsIsUsedAsItIs) {
  server_.start();
  Stranger stranger(server_);
  stranger.make_usual_stream(R"(,"max_age":3600000000000,"max_msgs_per_subject":100)");
  const auto before = stranger.ask("STREAM.INFO.TRACKING");
  const auto replica = ready_replica("?max_age=7d");
  EXPECT_EQ(stranger.ask("STREAM.INFO.TRACKING"), before);
  EXPECT_EQ(log_.count("the stream TRACKING is used as it is: max_age=3600s instead of 604800s, "
                       "max_msgs_per_subject=100 instead of -1"),
            1u);
}

TEST_F(JetStreamTest, AStreamThatCannotCarryEventsIsRefusedWithTheReason) {
  server_.start();
  Stranger stranger(server_);
  stranger.make_stream(R"({"name":"OTHER","subjects":["tracking.events.1","tracking.events.2"]})");
  stranger.make_stream(R"({"name":"MIRROR","mirror":{"name":"OTHER"}})");
  stranger.make_stream(R"({"name":"QUEUE","subjects":["queue.*"],"retention":"workqueue"})");
  stranger.make_stream(R"({"name":"MUTE","subjects":["mute.>"],"no_ack":true})");
  const auto other = replica("?stream=OTHER");
  EXPECT_TRUE(is_unready(other, "its subjects do not cover tracking.events.*"));
  EXPECT_TRUE(is_unready(replica("?stream=MIRROR"), "it is a mirror"));
  EXPECT_TRUE(is_unready(replica("?stream=QUEUE&prefix=queue"), "its retention is workqueue"));
  EXPECT_TRUE(is_unready(replica("?stream=MUTE&prefix=mute.events"), "it acknowledges nothing"));
  EXPECT_EQ(other.track(1, "1").code, Code::broker_unavailable);
  EXPECT_EQ(stranger.messages("OTHER"), 0u);
}

TEST_F(JetStreamTest, AServerWithoutJetStreamIsUnreadyWithTheReason) {
  NatsServer plain;
  plain.start();
  const auto url = BackendUrl::parse(plain.url("", "jetstream")).value();
  const std::unique_ptr<Broker> broker = Backends({nats()}).open_broker({.url = url}).value();
  EXPECT_TRUE(eventually([&] {
    return broker->health().message().find("has no JetStream for us") != std::string::npos;
  })) << broker->health().message();
}

TEST_F(JetStreamTest, WithoutTheRightToMakeTheStreamTheReasonIsTold) {
  server_.start(R"(authorization { users = [
    { user: admin, password: a }
    { user: us, password: b, permissions: { publish: { deny: ["$JS.API.STREAM.CREATE.>"] } } } ] })");
  const auto url = BackendUrl::parse(server_.url("us:b@", "jetstream")).value();
  const std::unique_ptr<Broker> broker = Backends({nats()}).open_broker({.url = url}).value();
  EXPECT_TRUE(eventually([&] { return broker->health().message().find("cannot be made") != std::string::npos; }))
      << broker->health().message();
}

TEST_F(JetStreamTest, AStreamThatIsDeletedIsMadeAgain) {
  server_.start();
  const auto replica = ready_replica();
  EXPECT_EQ(replica.track(1, "1").code, Code::ok);
  Stranger stranger(server_);
  // Every two seconds it looks whether the stream is there: it may have done so between the two.
  Replica::Told told{.outcome = Code::ok, .health = Code::ok};
  for (int tries = 0; told.outcome == Code::ok && tries < 10; ++tries) {
    stranger.ask("STREAM.DELETE.TRACKING");
    told = replica.track_and_ask(1, "2").get();
  }
  EXPECT_EQ(told.outcome, Code::broker_unavailable) << "at once, not after the time-out";
  EXPECT_EQ(told.health, Code::broker_unavailable) << "whoever was told so";
  EXPECT_TRUE(eventually([&] { return replica.track(1, "3").code == Code::ok; }));
  EXPECT_EQ(stranger.messages(), 1u);
}

TEST_F(JetStreamTest, AnAbsentServerIsWaitedFor) {
  const auto replica = this->replica();
  EXPECT_FALSE(replica.broker->health());
  EXPECT_EQ(replica.track(1, "1").code, Code::broker_unavailable);
  EXPECT_EQ(replica.service->subscribe().code(), Code::broker_unavailable);
  server_.start();
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(is_ready(replica));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
  EXPECT_EQ(replica.track(1, "1").code, Code::ok);
}

}  // namespace
}  // namespace tracking::test
