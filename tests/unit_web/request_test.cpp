#include <gtest/gtest.h>
#include <tracking/web.h>

namespace tracking::web {
namespace {

TEST(FindRoute, KnowsEveryRouteByMethodAndPath) {
  std::string_view allow;
  EXPECT_EQ(find_route("POST", "/", allow), Route::events);
  EXPECT_EQ(find_route("POST", "/v1/events", allow), Route::events);
  EXPECT_EQ(find_route("GET", "/v1/events", allow), Route::stream);
  EXPECT_EQ(find_route("POST", "/1", allow), Route::account_events);
  EXPECT_EQ(find_route("POST", "/9999999999999999999", allow), Route::account_events);
  EXPECT_EQ(find_route("GET", "/", allow), Route::root);
  EXPECT_EQ(find_route("HEAD", "/", allow), Route::root);
  EXPECT_EQ(find_route("GET", "/livez", allow), Route::livez);
  EXPECT_EQ(find_route("GET", "/readyz", allow), Route::readyz);
  EXPECT_EQ(find_route("HEAD", "/healthz", allow), Route::healthz);
  EXPECT_EQ(find_route("GET", "/openapi.json", allow), Route::openapi);
  EXPECT_EQ(allow, "");
}

TEST(FindRoute, KnowsNothingElse) {
  for (const char* path :
       {"", "/v1", "/v1/events/", "//", "/12345678901234567890", "/1a", "/-1", "/1/", "*", "/metrics"}) {
    std::string_view allow = "kept?";
    EXPECT_EQ(find_route("POST", path, allow), Route::none) << path;
    EXPECT_EQ(allow, "") << path;
  }
}

TEST(FindRoute, TellsTheMethodsOfAPathThatHasAnother) {
  std::string_view allow;
  EXPECT_EQ(find_route("PUT", "/", allow), Route::none);
  EXPECT_EQ(allow, "GET, HEAD, POST");
  EXPECT_EQ(find_route("HEAD", "/v1/events", allow), Route::none);
  EXPECT_EQ(allow, "GET, POST");
  EXPECT_EQ(find_route("GET", "/1", allow), Route::none);
  EXPECT_EQ(allow, "POST");
  EXPECT_EQ(find_route("POST", "/livez", allow), Route::none);
  EXPECT_EQ(allow, "GET, HEAD");
  EXPECT_EQ(find_route("post", "/v1/events", allow), Route::none);  // methods are case-sensitive
}

TEST(BodyKind, IsPickedByContentType) {
  EXPECT_EQ(body_kind(Route::events, ""), BodyKind::bounded);
  EXPECT_EQ(body_kind(Route::events, " application/x-ndjson ; charset=utf-8"), BodyKind::ndjson);
  EXPECT_EQ(body_kind(Route::events, "application/xml"), BodyKind::unsupported);
  EXPECT_EQ(body_kind(Route::account_events, "application/xml"), BodyKind::bounded);
  EXPECT_EQ(body_kind(Route::account_events, "application/x-ndjson"), BodyKind::bounded);
}

TEST(BodyBytesMax, IsLargerForAnArray) {
  const Limits limits;
  const std::size_t single = limits.data_bytes_max + 4096;
  EXPECT_EQ(body_bytes_max(Route::events, "{", limits), single);
  EXPECT_EQ(body_bytes_max(Route::events, " \r\n\t[", limits), limits.body_bytes_max);
  EXPECT_EQ(body_bytes_max(Route::events, "  ", limits), limits.body_bytes_max);
  EXPECT_EQ(body_bytes_max(Route::account_events, "[", limits), single);
}

TEST(PercentDecode, DecodesOrSaysThatItCannot) {
  EXPECT_EQ(percent_decode("a%20b+c%2B%c3%A4"), "a b c+\xC3\xA4");
  EXPECT_EQ(percent_decode("%00")->size(), 1u);
  for (const char* bad : {"%", "%2", "%zz", "%2x", "a%"}) EXPECT_FALSE(percent_decode(bad)) << bad;
}

TEST(Problem, IsOneJsonObject) {
  std::string out = "x";
  append_problem(out, Code::in_doubt, "say \"it\"\n\xFF", "id1", Timestamp(std::chrono::microseconds(1)));
  EXPECT_EQ(out.substr(0, 20), "x{\"type\":\"in-doubt\",");
  EXPECT_NE(out.find("\"status\":504,\"detail\":\"say \\\"it\\\"\\n\xEF\xBF\xBD\",\"id\":\"id1\","
                     "\"timestamp\":\"1970-01-01T00:00:00.000001Z\"}"),
            std::string::npos)
      << out;
}

}  // namespace
}  // namespace tracking::web
