#include "http/endpoint.h"

#include <gtest/gtest.h>

namespace tracking::remote {
namespace {

Result<Endpoint> parse(std::string_view text) { return parse_endpoint(BackendUrl::parse(text).value()); }

TEST(Endpoint, KnowsHostPortAndTheAdminListenerBesideIt) {
  const Endpoint endpoint = parse("http://127.0.0.1:8080").value();
  EXPECT_EQ(endpoint.events.url(), "http://127.0.0.1:8080");
  EXPECT_EQ(endpoint.admin.url(), "http://127.0.0.1:8081");
  EXPECT_TRUE(endpoint.retries);
}

TEST(Endpoint, TakesNamesAddressesAndATrailingSlash) {
  EXPECT_EQ(parse("http://service.example").value().events.url(), "http://service.example:80");
  EXPECT_EQ(parse("http://service.example:9/").value().events.url(), "http://service.example:9");
  EXPECT_EQ(parse("http://[::1]:8080").value().events.url(), "http://[::1]:8080");
}

TEST(Endpoint, ReadsItsParameters) {
  const Endpoint endpoint =
      parse("http://h:1?retry=off&admin=http://g:2&admin_token=t%2Bk&idle_timeout=200ms&connections=2").value();
  EXPECT_FALSE(endpoint.retries);
  EXPECT_EQ(endpoint.admin.url(), "http://g:2");
  EXPECT_EQ(endpoint.admin_token, "t+k");
  EXPECT_EQ(endpoint.idle_timeout, std::chrono::milliseconds(200));
  EXPECT_EQ(endpoint.connections, 2u);
}

TEST(Endpoint, RefusesWhatItDoesNotUnderstand) {
  for (const char* url :
       {"http:", "http://", "http:/h", "http://h:0", "http://h:65536", "http://h:+1", "http://h:1/path", "http://[::1",
        "http://[::1]x", "http://h h:1", "http://h:1?retry=maybe", "http://h:1?nonsense=1", "http://h:1?admin=h:2",
        "http://h:1?connections=0", "http://h:1?connections=65", "http://h:1?idle_timeout=5",
        "http://h:1?idle_timeout=0s", "http://h:1?idle_timeout=9999s", "http://h:1?admin_token=a%0Db"}) {
    const auto url_parsed = BackendUrl::parse(url);
    if (!url_parsed) continue;  // refused even earlier
    EXPECT_EQ(parse_endpoint(*url_parsed).code(), Code::invalid_parameter) << url;
  }
}

TEST(Endpoint, ErrorsShowNoSecret) {
  const auto endpoint = parse("http://user:secret@h:1?admin_token=hidden");
  ASSERT_EQ(endpoint.code(), Code::invalid_parameter);
  EXPECT_EQ(endpoint.error().message().find("secret"), std::string::npos) << endpoint.error().message();
  EXPECT_EQ(endpoint.error().message().find("hidden"), std::string::npos) << endpoint.error().message();
}

}  // namespace
}  // namespace tracking::remote
