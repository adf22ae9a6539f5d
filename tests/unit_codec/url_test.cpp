#include <tracking/backends.h>

#include <gtest/gtest.h>

namespace tracking {
namespace {

std::string redacted(const std::string& text) {
  BackendUrl url;
  url.text = text;
  return url.redacted();
}

TEST(BackendUrls, AreTakenApart) {
  const auto url = BackendUrl::parse("memory:?active=1,3&inactive=2").value();
  EXPECT_EQ(url.text, "memory:?active=1,3&inactive=2");
  EXPECT_EQ(url.scheme, "memory");
  EXPECT_EQ(url.rest, "");
  EXPECT_EQ(url.parameters, (std::multimap<std::string, std::string>{{"active", "1,3"}, {"inactive", "2"}}));
}

TEST(BackendUrls, OfAllBackends) {
  EXPECT_EQ(BackendUrl::parse("memory:").value().rest, "");
  EXPECT_EQ(BackendUrl::parse("sqlite:some dir/a%20b.db").value().rest, "some dir/a%20b.db");
  EXPECT_EQ(BackendUrl::parse("file:events?retention=7d&max_size=10GiB").value().parameters.count("max_size"), 1u);
  EXPECT_EQ(BackendUrl::parse("nats://a:4222,b").value().rest, "//a:4222,b");
  EXPECT_EQ(BackendUrl::parse("HTTP://127.0.0.1:8080").value().scheme, "http");
  EXPECT_EQ(BackendUrl::parse("postgresql:///db?host=/run/pg").value().rest, "///db");
}

TEST(BackendUrls, ParametersArePercentDecodedAndMayRepeat) {
  const auto url = BackendUrl::parse("x:?a=%2f%2F&a=1+1&b&c=&%61%3d=%26&&d=e=f").value();
  EXPECT_EQ(url.parameters, (std::multimap<std::string, std::string>{
                                {"a", "//"}, {"a", "1+1"}, {"b", ""}, {"c", ""}, {"a=", "&"}, {"d", "e=f"}}));
}

TEST(BackendUrls, WhatIsNoUrlIsRefusedWithoutRepeatingIt) {
  for (const char* text :
       {"", "memory", ":", ":x", "1a:", "a b:", "s3cret@host:5432/db", "host=h password=s3cret", "/var/lib/s3cret:x"}) {
    const auto url = BackendUrl::parse(text);
    EXPECT_EQ(url.code(), Code::invalid_parameter) << text;
    EXPECT_EQ(url.error().message().find("s3cret"), std::string::npos);
  }
  EXPECT_FALSE(BackendUrl::parse(std::string_view("sqlite:a\0b", 10)));
}

TEST(BackendUrls, MalformedParametersAreRefusedWithoutSecrets) {
  for (const char* text :
       {"x://u:s3cret@h?a=%", "x:?password=s3cret&a=%4", "x:?token=s3cret%zz", "x:?a=%00", "x:?=1", "x:?%=s3cret"}) {
    const auto url = BackendUrl::parse(text);
    EXPECT_EQ(url.code(), Code::invalid_parameter) << text;
    EXPECT_EQ(url.error().message().find("s3cret"), std::string::npos) << url.error().message();
  }
}

TEST(RedactedUrls, WithoutSecretsStayAsTheyAre) {
  for (const char* text : {"memory:", "memory:?active=1,3&inactive=2", "sqlite:tracking.db", "file:events?retention=7d",
                           "postgresql://db:5432/tracking?sslmode=require&connect_timeout=5", "nats://a:4222,b:4222",
                           "http://127.0.0.1:8080", "x:?flag"}) {
    EXPECT_EQ(redacted(text), text);
  }
}

TEST(RedactedUrls, UserAndPasswordAreNotShown) {
  EXPECT_EQ(redacted("postgresql://u:s3cret@db:5432/tracking?sslmode=require"),
            "postgresql://***@db:5432/tracking?sslmode=require");
  EXPECT_EQ(redacted("postgres://u@db/tracking"), "postgres://***@db/tracking");
  EXPECT_EQ(redacted("nats://s3cret@a:4222"), "nats://***@a:4222");
  EXPECT_EQ(redacted("http://u:s3cret@127.0.0.1:8080"), "http://***@127.0.0.1:8080");
}

TEST(RedactedUrls, SecretParametersAreNotShown) {
  for (const char* name : {"password", "PASSWORD", "sslpassword", "pass%77ord", "token", "access_token", "secret",
                           "client_secret", "user", "api_key", "pwd", "passphrase", "creds"}) {
    EXPECT_EQ(redacted(std::string("postgresql://h/db?a=1&") + name + "=s3cret&b=2"),
              std::string("postgresql://h/db?a=1&") + name + "=***&b=2");
  }
}

// Passwords with characters that should have been percent-encoded, or URLs that say two things at once.
TEST(RedactedUrls, WhenInDoubtNothingSecretIsShown) {
  for (const char* text :
       {"postgresql://u:s3cret@s3cret@db/x", "postgresql://u:s3cret/s3cret@db/x", "postgresql://u:s3cret?s3cret@db/x",
        "postgresql://u:s3cret#s3cret@db/x", "nats://u:s3cret@a,v:s3cret@b", "nats://u:s3cret,s3cret@a",
        "u:s3cret@db:5432/x", "postgresql:u:s3cret@db", "postgresql://db/x?password=s3cret@s3cret",
        "postgresql://db/x?pass%=s3cret", "postgresql://db/x?password=a;b=s3cret",
        "postgresql://db/x?a=1;password=s3cret", "postgresql://db/x?a=1?password=s3cret", "s3cret", "s3cret@db:1/x",
        ":s3cret", ""}) {
    EXPECT_EQ(redacted(text).find("s3cret"), std::string::npos) << redacted(text);
  }
}

}  // namespace
}  // namespace tracking
