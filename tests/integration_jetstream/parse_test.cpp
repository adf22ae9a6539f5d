// What the server sends, and what a URL says, read without a server.
#include <gtest/gtest.h>

#include "nats/jetstream_publisher.h"
#include "nats/jetstream_reader.h"

namespace tracking::jetstream {
namespace {

TEST(JetStreamAnswers, AnAcknowledgementIsRead) {
  const PubAck ack = read_pub_ack(R"({"stream":"TRACKING", "seq":21,"duplicate": true})");
  EXPECT_EQ(ack.code, Code::ok);
  EXPECT_EQ(ack.position, 21u);
  EXPECT_TRUE(ack.is_duplicate);
  EXPECT_FALSE(read_pub_ack(R"({"stream":"TRACKING","domain":"hub","seq":1})").is_duplicate);
}

TEST(JetStreamAnswers, ARefusalSaysWhy) {
  const PubAck full = read_pub_ack(
      R"({"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"},"stream":"TRACKING","seq":0})");
  EXPECT_EQ(full.code, Code::broker_unavailable);
  EXPECT_TRUE(full.is_full);
  EXPECT_EQ(full.reason, "maximum bytes exceeded");
  EXPECT_EQ(read_pub_ack(R"({"error":{"code":400,"err_code":10054,"description":"x"}})").code, Code::too_large);
}

TEST(JetStreamAnswers, WhatCannotBeUnderstoodIsNoAcknowledgement) {
  for (const std::string_view answer : {"", "+OK", "{}", "[]", R"({"seq":0})", R"({"seq":-1})", R"({"seq":"1"})",
                                        R"({"seq":1)", R"({"stream":"seq"})", "{\"seq\":1e3}"}) {
    EXPECT_EQ(read_pub_ack(answer).code, Code::in_doubt) << answer;
  }
}

TEST(JetStreamAnswers, MembersAreFoundWhereverTheyStand) {
  const auto object = JsonObject::parse(
      R"( {"a":{"b":[1,{"x":"}"}],"seq":1},"text":"q\"]}","list":["one","two"],"seq":7,"none":null})");
  EXPECT_FALSE(object) << "white space in front is none of the server's";
  const auto same = JsonObject::parse(
      R"({"a":{"b":[1,{"x":"}"}],"seq":1},"text":"q\"]}","list":["one.\u003e","t\"wo"], "seq" : 7 ,"n":-3})");
  ASSERT_TRUE(same);
  EXPECT_EQ(same->position("seq"), 7u);
  EXPECT_EQ(same->object("a")->position("seq"), 1u);
  EXPECT_EQ(same->text("text"), R"(q\"]})");
  EXPECT_EQ(same->texts("list"), (std::vector<std::string>{"one.>", "t\"wo"}));
  EXPECT_EQ(same->number("n"), -3);
  EXPECT_EQ(same->find("x"), "");
  EXPECT_TRUE(JsonObject::parse("{}")->find("a").empty());
}

TEST(JetStreamAnswers, Base64IsDecoded) {
  EXPECT_EQ(decode_base64("eyJuIjo2fQ=="), R"({"n":6})");
  EXPECT_EQ(decode_base64(""), "");
  for (const std::string_view wrong : {"e", "ey_-", "eyJ", "ey J"}) EXPECT_FALSE(decode_base64(wrong)) << wrong;
}

TEST(JetStreamAnswers, AReplySubjectTellsThePlace) {
  const auto place = read_place("$JS.ACK.TRACKING.xWvYSyWI.1.21.7.1795492349237587384.3");
  ASSERT_TRUE(place);
  EXPECT_EQ(place->consumer, "xWvYSyWI");
  EXPECT_EQ(place->position, 21u);
  EXPECT_EQ(place->number, 7u);
  EXPECT_EQ(place->waiting, 3u);
  EXPECT_EQ(read_place("$JS.ACK.hub.ACC.TRACKING.x.1.21.7.1.3")->position, 21u);
  EXPECT_EQ(read_place("$JS.ACK.hub.ACC.TRACKING.x.1.21.7.1.3.token")->waiting, 3u);
  for (const std::string_view wrong : {"", "x", "$JS.ACK.", "$JS.ACK.a.b.c", "$JS.ACK.S.c.1.x.y.z.w", "$JS.FC.S.c.1.2"})
    EXPECT_FALSE(read_place(wrong)) << wrong;
}

Result<Settings> parse(std::multimap<std::string, std::string> parameters) {
  return parse_settings(parameters, "jetstream://host");
}

TEST(JetStreamSettings, EveryParameterIsTaken) {
  const auto settings = parse({{"stream", "S"},
                               {"storage", "memory"},
                               {"replicas", "3"},
                               {"max_age", "7d"},
                               {"max_size", "10GiB"},
                               {"duplicate_window", "10m"},
                               {"ack_wait", "30s"}})
                            .value();
  EXPECT_EQ(settings.stream, "S");
  EXPECT_EQ(settings.storage, "memory");
  EXPECT_EQ(settings.replicas, 3);
  EXPECT_EQ(settings.max_age, std::chrono::hours(7 * 24));
  EXPECT_EQ(settings.bytes_max, std::int64_t{10} << 30);
  EXPECT_EQ(settings.duplicate_window, std::chrono::minutes(10));
  EXPECT_EQ(settings.ack_wait, std::chrono::seconds(30));
}

TEST(JetStreamSettings, AWrongOneIsRefusedWithWhatItMayBe) {
  const std::pair<std::string, std::string> wrong[] = {
      {"stream", "a.b"},           {"stream", ""},        {"storage", "tape"},
      {"replicas", "0"},           {"replicas", "9"},     {"max_age", "7"},
      {"max_age", "-1s"},          {"max_size", "10 GB"}, {"max_size", "0"},
      {"max_size", "99999999TiB"}, {"ack_wait", "1h"},    {"ack_wait", "soon"},
      {"max_age", "300000d"},      {"replicas", "three"}};
  for (const auto& [key, value] : wrong) {
    const auto settings = parse({{key, value}});
    EXPECT_EQ(settings.code(), Code::invalid_parameter) << key << '=' << value;
    EXPECT_NE(settings.error().message().find(key + " must be "), std::string::npos);
  }
}

}  // namespace
}  // namespace tracking::jetstream
