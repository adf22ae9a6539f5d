// memory:?active=...&inactive=...
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tracking/backends.h>

namespace tracking {
namespace {

using ::testing::HasSubstr;

Result<std::unique_ptr<AccountRepository>> open(const std::string& url) {
  BackendContext context;
  context.url = BackendUrl::parse(url).value();
  return Backends().open_accounts(context);
}

TEST(MemoryAccounts, AreReadFromTheUrl) {
  auto repository = open("memory:?active=1,3&inactive=2&active=9223372036854775807").value();
  const std::vector<AccountId> ids{1, 2, 3, 4, 9223372036854775807};
  std::vector<AccountState> states(ids.size());
  ASSERT_TRUE(repository->find(ids, states));
  EXPECT_EQ(states, (std::vector{AccountState::active, AccountState::inactive, AccountState::active,
                                 AccountState::unknown, AccountState::active}));
  EXPECT_EQ(repository->get(1).value().name, "Account 1");
}

TEST(MemoryAccounts, MayBeNone) {
  EXPECT_TRUE(open("memory:"));
  EXPECT_TRUE(open("memory:?active="));
}

TEST(MemoryAccounts, RefuseWhatIsNoId) {
  for (const std::string value :
       {"0", "-1", "x", "1.0", "1,", ",1", "1,,2", " 1", "+1", "9223372036854775808", "0x1"}) {
    const auto opened = open("memory:?active=" + value);
    EXPECT_EQ(opened.code(), Code::invalid_parameter) << value;
    EXPECT_THAT(opened.error().message(), HasSubstr("memory:"));
  }
}

TEST(MemoryAccounts, RefuseWhatTheyDoNotUnderstand) {
  EXPECT_THAT(open("memory:?actve=1").error().message(), HasSubstr("\"actve\""));
  EXPECT_EQ(open("memory:somewhere").code(), Code::invalid_parameter);
  EXPECT_THAT(open("memory:?active=1&inactive=2,1").error().message(), HasSubstr("account 1 is both"));
}

}  // namespace
}  // namespace tracking
