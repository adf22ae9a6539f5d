// The manual and completions, where text means something to roff or a shell.
#include <common/completion.h>
#include <common/man_page.h>

#include <gmock/gmock.h>

namespace tracking::apps {
namespace {

using testing::HasSubstr;
using testing::Not;

class Documents : public testing::Test {
 protected:
  Documents() {
    table.section("Some");
    table.text("odd", text).letter('o').value("A|B").help(".it's [a]: \\n. More.");
    table.secret("token", token).help("Who.");
    table.flag("inner", is_hidden).hidden();
  }

  std::string text = "-1";
  std::string token;
  bool is_hidden = false;
  OptionTable table{{.program = "my-tool",
                     .usage = "[options]",
                     .summary = "Does it.",
                     .epilogue = "A note.\n\nExit codes: 0 done.\n\nExamples:\n  .my-tool -o 'x'\nAnd so on.\n"}};
  const CompletedProgram program{.name = "my-tool", .verbs = {{.table = &table}}};
};

TEST_F(Documents, ThePageShowsWhatWouldMeanSomethingToRoff) {
  const auto page = man_page({.name = "my-tool", .section = "1", .summary = "do it"}, table);
  EXPECT_THAT(page, HasSubstr(".SH NAME\nmy\\-tool \\- do it\n"));
  EXPECT_THAT(page, HasSubstr(".TP\n\\fB\\-o\\fR, \\fB\\-\\-odd\\fR \\fIA|B\\fR\n"
                              "\\&.it\\(aqs [a]: \\en. More. Default: \\-1. Variable: TRACKING_ODD.\n"));
  EXPECT_THAT(page, HasSubstr("\\fB\\-\\-token\\-file\\fR \\fIFILE\\fR\n"));
  EXPECT_THAT(page, HasSubstr(".SH NOTES\nA note.\n.SH EXIT STATUS\n0 done.\n"
                              ".SH EXAMPLES\n.EX\n\\&.my\\-tool \\-o \\(aqx\\(aq\n.EE\n.PP\nAnd so on.\n"));
  EXPECT_THAT(page, Not(HasSubstr("inner")));
}

TEST_F(Documents, CompletionsQuoteWhatWouldMeanSomethingToAShell) {
  EXPECT_THAT(zsh_completion(program), HasSubstr("'(-o --odd)'{-o+,--odd=}'[.it'\\''s \\[a\\]\\: \\\\n]:A|B: '"));
  EXPECT_THAT(fish_completion(program), HasSubstr("complete -c my-tool -l odd -s o -x -d '.it\\'s [a]: \\\\n'\n"));
  EXPECT_THAT(bash_completion(program), HasSubstr("words='--odd --token-file'"));
}

}  // namespace
}  // namespace tracking::apps
