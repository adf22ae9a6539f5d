// URLs: whatever libpq takes is taken, and whatever is secret stays so.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"

namespace tracking::test {
namespace {

Status open_status(const std::string& text) {
  auto url = BackendUrl::parse(text);
  if (!url) return url.error();
  return Backends({postgres()}).open_accounts({.url = *url}).error();
}

TEST(PostgresUrl, OpeningConnectsToNothing) {
  for (const char* url : {"postgresql://", "postgres://nobody.invalid/app", "postgresql://[::1]:1/app",
                          "postgresql:///app?host=/var/run/postgresql", "postgresql://%2Fvar%2Frun/app",
                          "postgresql://a,b:5433,[::1]/app?target_session_attrs=read-write",
                          "PostgreSQL://user:pass%40word@host/app?sslmode=require&connect_timeout=3&passfile=/x"}) {
    const Status status = open_status(url);
    EXPECT_TRUE(status) << url << ": " << status.message();
  }
}

TEST(PostgresUrl, WhatLibpqDoesNotTakeIsRefusedWithoutItsSecrets) {
  for (const char* url :
       {"postgresql:app", "postgresql://user:hush@host/app?colour=red", "postgresql://user:hush@[::1/app",
        "postgresql://u:hush@a,b/app?port=1,2,3", "postgresql://u:hu%zzsh@a"}) {
    const Status status = open_status(url);
    EXPECT_EQ(status.code(), Code::invalid_parameter) << url;
    EXPECT_EQ(status.message().find("hush"), std::string::npos) << status.message();
    EXPECT_NE(status.message().find("libpq"), std::string::npos) << status.message();
  }
}

class PostgresEndpoints : public PostgresTest {};

TEST_F(PostgresEndpoints, SocketsAndAddressesAndServicesOfLibpqWork) {
  const std::string port = std::to_string(server_.port());
  for (const std::string& url :
       {"postgres://tracking@localhost:" + port + "/" + database_,
        "postgresql://tracking@/" + database_ + "?host=127.0.0.1&port=" + port,
        "postgresql://tracking@nobody.invalid:" + port + "/" + database_ + "?hostaddr=127.0.0.1",
        "postgresql:///?dbname=" + database_ + "&user=tracking&hostaddr=127.0.0.1&port=" + port}) {
    EXPECT_TRUE(find_status(*open(url))) << url;
  }
}

TEST_F(PostgresEndpoints, FailuresNeverTellThePassword) {
  auto nobody_listens = open("postgresql://me:hush@127.0.0.1:1/app");
  auto no_database = open("postgresql://tracking:hush@127.0.0.1:" + std::to_string(server_.port()) + "/hush");
  for (AccountRepository* repository : {nobody_listens.get(), no_database.get()}) {
    const Status status = find_status(*repository);
    EXPECT_EQ(status.code(), Code::accounts_unavailable);
    EXPECT_EQ(status.message().find("me:hush"), std::string::npos) << status.message();
    EXPECT_EQ(status.message().find("\n"), std::string::npos) << status.message();
  }
  EXPECT_NE(find_status(*nobody_listens).message().find("127.0.0.1"), std::string::npos);
}

TEST_F(PostgresEndpoints, OfSeveralServersOneThatAnswersIsFound) {
  const std::string port = std::to_string(server_.port());
  auto first_refuses = open("postgresql://tracking@127.0.0.1:1,127.0.0.1:" + port + "/" + database_);
  EXPECT_TRUE(find_status(*first_refuses));
  auto last_answers =
      open("postgresql://tracking@127.0.0.1:1,127.0.0.1:2,127.0.0.1:3,127.0.0.1:" + port + "/" + database_);
  EXPECT_TRUE(eventually([&] { return find_status(*last_answers).is_ok(); }));
}

TEST_F(PostgresEndpoints, AServerThatAcceptsAndSaysNothingIsLeftForTheNext) {
  const int silent = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(silent, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(silent, 8), 0);
  ASSERT_EQ(::getsockname(silent, reinterpret_cast<sockaddr*>(&address), &size), 0);
  auto repository = open("postgresql://tracking@127.0.0.1:" + std::to_string(ntohs(address.sin_port)) +
                         ",127.0.0.1:" + std::to_string(server_.port()) + "/" + database_);
  EXPECT_TRUE(eventually([&] { return find_status(*repository).is_ok(); }, 5s));
  ::close(silent);
}

}  // namespace
}  // namespace tracking::test
