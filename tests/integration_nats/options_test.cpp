// What a nats:// URL may say.
#include "integration_nats/nats_support.h"

#include <fstream>

namespace tracking::test {
namespace {

using nats_io::Options;

Result<Options> parse(const std::string& url) {
  std::multimap<std::string, std::string> others;
  auto options = nats_io::parse_options(BackendUrl::parse(url).value(), others);
  if (options && !others.empty()) return nats_io::unknown_parameter(*options, others.begin()->first);
  return options;
}

TEST(NatsOptions, KnowsServersAndTheirDefaults) {
  EXPECT_EQ(parse("nats://a")->servers, std::vector<std::string>{"nats://a:4222"});
  EXPECT_EQ(parse("nats://a/")->servers, std::vector<std::string>{"nats://a:4222"});
  EXPECT_EQ(parse("nats://a:1,nats://b,[::1]:3")->servers,
            (std::vector<std::string>{"nats://a:1", "nats://b:4222", "nats://[::1]:3"}));
  EXPECT_EQ(parse("nats://a")->wildcard(), "tracking.events.*");
  EXPECT_EQ(parse("nats://a?prefix=my.events&name=me")->wildcard(), "my.events.*");
}

TEST(NatsOptions, KnowsUsersAndTokens) {
  const auto user = parse("nats://us%40er:p%3A%2Cw@a,b").value();
  EXPECT_EQ(user.user, "us@er");
  EXPECT_EQ(user.password, "p:,w");
  EXPECT_EQ(user.servers, (std::vector<std::string>{"nats://a:4222", "nats://b:4222"}));
  EXPECT_EQ(parse("nats://token@a")->token, "token");
  EXPECT_EQ(parse("nats://a?token=t")->token, "t");
  EXPECT_TRUE(parse("tls://a")->wants_tls);
  EXPECT_TRUE(parse("nats://a?tls=true")->wants_tls);
  EXPECT_FALSE(parse("nats://a?retry=off")->retries);
}

TEST(NatsOptions, TakesAUserWhosePasswordIsInAFile) {
  const NatsServer folder;
  const auto file = folder.folder() / "password";
  std::ofstream(file) << "secret\r\nmore\n";
  const auto options = parse("nats://alice@a?password_file=" + file.string()).value();
  EXPECT_EQ(options.user, "alice");
  EXPECT_EQ(nats_io::read_secret(options.password_file).value(), "secret");
}

TEST(NatsOptions, RefusesWhatItDoesNotUnderstandWithoutShowingSecrets) {
  for (const std::string url : {
           "nats:",
           "nats:a",
           "nats://",
           "nats://a:0",
           "nats://a:65536",
           "nats://a:x",
           "nats://a b",
           "nats://a/path",
           "nats://a,,b",
           "nats://[::1",
           "nats://[x]",
           "nats://s3cret%2@a",
           "nats://x:s3cret@a,y:s3cret@b",
           "nats://:s3cret@a",
           "nats://a?prefix=",
           "nats://a?prefix=a.*",
           "nats://a?prefix=a..b",
           "nats://a?prefix=a%20b",
           "nats://a?tls=yes",
           "nats://a?retry=1",
           "nats://a?frobnicate=1",
           "nats://a?name=%22",
           "nats://a?tls=true&tls=true",
           "nats://a?token_file=/nowhere/t",
           "nats://a?password_file=/dev/null",
           "nats://a?creds=/nowhere/c",
           "nats://a?nkey_file=/etc/passwd",
           "nats://s3cret@a?nkey_file=/etc/passwd",
           "nats://U:s3cret@a?nkey_file=/etc/passwd",
           "nats://UABC@a?nkey_file=/nowhere/s",
           "nats://u:s3cret@a?token=s3cret",
           "nats://s3cret@a?token=s3cret",
           "nats://a?tls_cert=/etc/passwd",
       }) {
    const auto options = parse(url);
    ASSERT_FALSE(options) << url;
    EXPECT_EQ(options.code(), Code::invalid_parameter) << url;
    EXPECT_EQ(options.error().message().find("s3cret"), std::string::npos) << options.error().message();
  }
}

TEST(NatsOptions, AnUnknownParameterIsToldWhichThereAre) {
  const auto options = parse("nats://a?frobnicate=1");
  EXPECT_NE(options.error().message().find("there is no parameter frobnicate (there are prefix"), std::string::npos)
      << options.error().message();
}

}  // namespace
}  // namespace tracking::test
