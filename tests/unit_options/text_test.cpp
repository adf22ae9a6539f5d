#include <common/text.h>

#include <gmock/gmock.h>

namespace tracking::apps {
namespace {

std::string json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  append_printable(out, text);
  return out;
}

TEST(Text, OrdinaryTextStaysAsItIs) {
  EXPECT_EQ(json("Größe €😀"), "\"Größe €😀\"");
  EXPECT_EQ(printable("a \\ \"b\" 😀"), "a \\ \"b\" 😀");
}

TEST(Text, NothingEndsALineOrControlsATerminal) {
  constexpr std::string_view nasty("\n\r\t\x1b]52;\0\x7f\xc2\x85\xe2\x80\xa8\xe2\x80\xae", 18);
  EXPECT_EQ(json(nasty), R"("\n\u000d\t\u001b]52;\u0000\u007f\u0085\u2028\u202e")");
  EXPECT_EQ(printable(nasty), R"(\n\r\t\x1b]52;\x00\x7f\x85\u2028\u202e)");
}

TEST(Text, InvalidUtf8IsShownAndNeverPassedOn) {
  // A lone continuation, an overlong form, a surrogate, beyond Unicode, a cut sequence.
  for (const std::string_view wrong : {"\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) {
    EXPECT_THAT(json(wrong), testing::StartsWith("\"\\ufffd")) << printable(wrong);
    EXPECT_THAT(printable(wrong), testing::StartsWith("\\x"));
  }
  EXPECT_EQ(printable("\xff!"), "\\xff!");
}

}  // namespace
}  // namespace tracking::apps
