#include <common/options.h>

#include <gmock/gmock.h>

namespace tracking::apps {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class OptionText : public testing::Test {
 protected:
  OptionText() {
    table.section("Some");
    table.size("max-size", max_size, 1, 1 << 20).help("How much.");
    table.url("store", store).help("Where.");
    table.secret("token", token).help("Who.");
    table.choice("level", level, {"low", "high"}).preset("as the moon stands").help("How.");
    table.flag("secret-flag", hidden_flag).hidden();
  }

  void parse(std::vector<const char*> flags, const char* token_variable = nullptr) {
    ASSERT_TRUE(table
                    .parse(flags,
                           [=](const char* name) {
                             return std::string_view(name) == "TRACKING_TOKEN" ? token_variable : nullptr;
                           })
                    .is_ok());
  }

  std::size_t max_size = 65536;
  std::string store = "memory:";
  std::string token;
  std::string level;
  bool hidden_flag = false;
  OptionTable table{{.program = "tool", .usage = "[options]", .summary = "Does it.", .epilogue = "Try it."}};
};

TEST_F(OptionText, HelpShowsFlagsDefaultsAndSections) {
  EXPECT_THAT(table.help(),
              AllOf(HasSubstr("Usage: tool [options]"), HasSubstr("Some:\n"), HasSubstr("--max-size SIZE"),
                    HasSubstr("[64KiB]"), HasSubstr("--token-file FILE"), HasSubstr("TRACKING_TOKEN"),
                    HasSubstr("[as the moon stands]"), Not(HasSubstr("secret-flag")), HasSubstr("Try it.")));
}

TEST_F(OptionText, PrintedConfigurationSaysWhereValuesComeFrom) {
  parse({"--max-size", "2KiB"});
  EXPECT_THAT(table.print_config(), AllOf(HasSubstr("max-size = \"2KiB\"  # from --max-size\n"),
                                          HasSubstr("store = \"memory:\"  # default\n"),
                                          HasSubstr("# token is not set\n"), HasSubstr("# level is not set\n")));
}

TEST_F(OptionText, PrintedConfigurationMasksSecrets) {
  parse({"--store", "postgresql://user:hunter2@db/x"}, "hunter2");
  EXPECT_THAT(table.print_config(), AllOf(HasSubstr("# token = \"***\"  # from TRACKING_TOKEN\n"),
                                          HasSubstr("postgresql://"), Not(HasSubstr("hunter2"))));
}

TEST_F(OptionText, DocumentationHasARowForEachSetting) {
  EXPECT_THAT(table.markdown(),
              AllOf(HasSubstr("## Some\n"), HasSubstr("| `--max-size` | `TRACKING_MAX_SIZE` | `64KiB` | 1 to 1MiB |"),
                    HasSubstr("| `--token-file` | `TRACKING_TOKEN`, `TRACKING_TOKEN_FILE` |"), HasSubstr("low or high"),
                    Not(HasSubstr("secret-flag"))));
}

}  // namespace
}  // namespace tracking::apps
