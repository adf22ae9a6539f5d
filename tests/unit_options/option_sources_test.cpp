#include <common/options.h>

#include <gmock/gmock.h>

#include <cstdio>
#include <fstream>
#include <map>

namespace tracking::apps {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// A table with one option of each kind, and the sources that a test fills.
class OptionSources : public testing::Test {
 protected:
  OptionSources() {
    table.section("Some");
    table.text("name", name).letter('n');
    table.list("item", items);
    table.integer("count", count, 1, 10);
    table.size("max-size", max_size, 1, 1 << 20);
    table.duration("wait", wait, 0ms, 1h);
    table.choice("level", level, {"low", "high"});
    table.flag("fast", fast);
    table.url("store", store);
    table.secret("token", token);
    table.config_file(table.text("config", config));
    table.flag("help", help).only_flag();
  }
  ~OptionSources() override {
    for (const auto& path : files) std::remove(path.c_str());
  }

  Status parse(std::vector<const char*> flags) {
    return table.parse(flags, [this](const char* variable) -> const char* {
      const auto found = environment.find(variable);
      return found == environment.end() ? nullptr : found->second.c_str();
    });
  }

  std::string file(const std::string& content) {
    files.push_back(testing::TempDir() + "option_sources_test." + std::to_string(::getpid()) + "." +
                    std::to_string(files.size()));
    std::ofstream(files.back()) << content;
    return files.back();
  }

  std::string error_of(std::vector<const char*> flags) {
    const auto status = parse(std::move(flags));
    EXPECT_FALSE(status.is_ok());
    EXPECT_THAT(status.message(), Not(HasSubstr("\n")));
    return status.message();
  }

  std::string name = "default";
  std::vector<std::string> items{"preset"};
  std::uint64_t count = 3;
  std::size_t max_size = 1024;
  std::chrono::milliseconds wait = 5s;
  std::string level = "low";
  bool fast = false;
  std::string store = "memory:";
  std::string token;
  std::string config;
  bool help = false;
  OptionTable table{{.program = "tool"}};
  std::map<std::string, std::string> environment;
  std::vector<std::string> files;
};

TEST_F(OptionSources, WithoutAnySourceDefaultsHold) {
  ASSERT_TRUE(parse({}).is_ok());
  EXPECT_EQ(name, "default");
  EXPECT_EQ(count, 3u);
  EXPECT_FALSE(table.find("count").is_set());
}

TEST_F(OptionSources, FlagsBeatVariablesBeatTheFileBeatsDefaults) {
  const auto path = file("name = \"file\"\ncount = 4\nmax_size = \"2KiB\"\nwait = \"1s\"\n");
  environment = {{"TRACKING_CONFIG", path}, {"TRACKING_NAME", "variable"}, {"TRACKING_COUNT", "5"}};
  ASSERT_TRUE(parse({"--name=flag"}).is_ok());
  EXPECT_EQ(name, "flag");
  EXPECT_EQ(count, 5u);
  EXPECT_EQ(max_size, 2048u);
  EXPECT_EQ(wait, 1s);
  EXPECT_EQ(level, "low");
  EXPECT_EQ(table.origin("name"), "--name");
  EXPECT_EQ(table.origin("count"), "TRACKING_COUNT");
  EXPECT_EQ(table.origin("max-size"), path + ":3: max_size");
}

TEST_F(OptionSources, EveryKindIsReadFromFlags) {
  ASSERT_TRUE(parse({"-n", "x", "--item", "a,b", "--item=c", "--count", "10", "--max-size", "1MiB", "--wait", "1m30s",
                     "--level", "high", "--fast", "--store", "sqlite:a.db"})
                  .is_ok());
  EXPECT_EQ(name, "x");
  EXPECT_THAT(items, testing::ElementsAre("a,b", "c"));
  EXPECT_EQ(count, 10u);
  EXPECT_EQ(max_size, 1u << 20);
  EXPECT_EQ(wait, 90s);
  EXPECT_EQ(level, "high");
  EXPECT_TRUE(fast);
  EXPECT_EQ(store, "sqlite:a.db");
}

TEST_F(OptionSources, AStrongerSourcesListReplacesAWeakerOnes) {
  environment = {{"TRACKING_CONFIG", file("item = [\"a\", \"b\"]\n")}};
  ASSERT_TRUE(parse({}).is_ok());
  EXPECT_THAT(items, testing::ElementsAre("a", "b"));
  ASSERT_TRUE(parse({"--item", "c"}).is_ok());
  EXPECT_THAT(items, testing::ElementsAre("c"));
}

TEST_F(OptionSources, AWrongValueNamesWhereItStands) {
  EXPECT_THAT(error_of({"--count", "11"}), AllOf(StartsWith("--count: \"11\""), HasSubstr("1 to 10")));
  EXPECT_THAT(error_of({"--count", "0"}), StartsWith("--count: "));
  EXPECT_THAT(error_of({"--level", "mid"}), HasSubstr("low or high"));
  environment = {{"TRACKING_WAIT", "30"}};
  EXPECT_THAT(error_of({}), StartsWith("TRACKING_WAIT: \"30\" is not a duration"));
  environment = {{"TRACKING_CONFIG", file("\n\nfast = \"maybe\"\n")}};
  EXPECT_THAT(error_of({}), HasSubstr(":3: fast: \"maybe\" is not true or false"));
}

TEST_F(OptionSources, AWrongValueIsAnErrorAlsoIfItIsOverridden) {
  environment = {{"TRACKING_COUNT", "many"}};
  EXPECT_THAT(error_of({"--count", "5"}), StartsWith("TRACKING_COUNT: "));
}

TEST_F(OptionSources, AnUnknownFlagOrKeyGetsASuggestion) {
  EXPECT_EQ(error_of({"--cuont", "5"}), "unknown option --cuont; did you mean --count?");
  EXPECT_EQ(error_of({"--zzzzzzz"}), "unknown option --zzzzzzz");
  environment = {{"TRACKING_CONFIG", file("name = \"x\"\nmax-sise = 3\n")}};
  EXPECT_THAT(error_of({}), HasSubstr(":2: unknown setting max-sise; did you mean max-size?"));
}

TEST_F(OptionSources, WhatIsNoSettingOfAFileIsRefused) {
  for (const auto* line : {"config = \"x\"\n", "help = true\n", "[count]\n", "count = 1.5\n", "name = [\"a\"]\n"}) {
    environment = {{"TRACKING_CONFIG", file(line)}};
    EXPECT_THAT(error_of({}), HasSubstr(":1: ")) << line;
  }
}

TEST_F(OptionSources, ValuesThatAreMissingOrTooManyAreErrors) {
  EXPECT_EQ(error_of({"--count"}), "--count: needs a value");
  EXPECT_EQ(error_of({"stray"}), "unexpected argument \"stray\"");
  EXPECT_THAT(error_of({"--config", "/nonexistent/x.toml"}), StartsWith("--config: cannot read"));
}

TEST_F(OptionSources, AnEmptyVariableIsASettingLeftOutButAnEmptySecretIsAnError) {
  environment = {{"TRACKING_NAME", ""}};
  ASSERT_TRUE(parse({}).is_ok());
  EXPECT_EQ(name, "default");
  environment = {{"TRACKING_TOKEN", ""}};
  EXPECT_THAT(error_of({}), StartsWith("TRACKING_TOKEN: is empty"));
}

TEST_F(OptionSources, ASecretIsReadFromItsVariableKeyOrFile) {
  environment = {{"TRACKING_TOKEN", "s3cret"}};
  ASSERT_TRUE(parse({}).is_ok());
  EXPECT_EQ(token, "s3cret");
  const auto path = file("from file\r\n");
  ASSERT_TRUE(parse({"--token-file", path.c_str()}).is_ok());
  EXPECT_EQ(token, "from file");
  environment = {{"TRACKING_TOKEN_FILE", path}};
  ASSERT_TRUE(parse({}).is_ok());
  environment = {{"TRACKING_CONFIG", file("token-file = \"" + path + "\"\n")}};
  ASSERT_TRUE(parse({}).is_ok());
  EXPECT_EQ(token, "from file");
}

TEST_F(OptionSources, ASecretGivenTwiceByOneSourceIsAnError) {
  environment = {{"TRACKING_TOKEN", "a"}, {"TRACKING_TOKEN_FILE", file("b")}};
  EXPECT_THAT(error_of({}), HasSubstr("both set"));
}

TEST_F(OptionSources, AUrlWithItsPasswordIsReadFromAFile) {
  environment = {{"TRACKING_STORE_FILE", file("postgresql://u:hunter2@db/x\n")}};
  ASSERT_TRUE(parse({}).is_ok());
  EXPECT_EQ(store, "postgresql://u:hunter2@db/x");
}

TEST_F(OptionSources, NoErrorShowsASecret) {
  const auto refuse = [](std::string_view) { return std::string("is refused"); };
  const_cast<Option&>(table.find("store")).check(refuse);
  const_cast<Option&>(table.find("token")).check(refuse);
  EXPECT_THAT(error_of({"--token=hunter2"}), AllOf(HasSubstr("--token-file"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(error_of({"--tokn=hunter2"}), Not(HasSubstr("hunter2")));
  EXPECT_THAT(error_of({"--store", "postgresql://u:hunter2@db/x"}), Not(HasSubstr("hunter2")));
  EXPECT_THAT(error_of({"--token-file", file("hunter2").c_str()}), Not(HasSubstr("hunter2")));
  for (const auto* line :
       {"token = hunter2\n", "token = \"hunter2\n", "tokn = \"hunter2\"\n", "token = [\"hunter2\"]\n"}) {
    environment = {{"TRACKING_CONFIG", file(line)}};
    EXPECT_THAT(error_of({}), Not(HasSubstr("hunter2"))) << line;
  }
  environment = {{"TRACKING_TOKEN", "hunter2"}};
  EXPECT_THAT(error_of({}), Not(HasSubstr("hunter2")));
}

TEST_F(OptionSources, ASecretThatCannotBeOneLineIsRefused) {
  for (const auto* content : {"", "\n", "two\nlines\n"}) {
    EXPECT_THAT(error_of({"--token-file", file(content).c_str()}), StartsWith("--token-file: ")) << content;
  }
  EXPECT_THAT(error_of({"--token-file", testing::TempDir().c_str()}), HasSubstr("directory"));
}

TEST_F(OptionSources, HelpIsKnownEvenIfAnotherSourceIsWrong) {
  environment = {{"TRACKING_COUNT", "many"}};
  EXPECT_FALSE(parse({"--help"}).is_ok());
  EXPECT_TRUE(help);
}

TEST_F(OptionSources, ControlCharactersOfAValueAreEscapedInTheError) {
  EXPECT_THAT(error_of({"--level", "\x1b[31m\n"}), HasSubstr("\\x1b[31m\\n"));
}

}  // namespace
}  // namespace tracking::apps
