#include <tracking/subscription.h>

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace tracking {
namespace {

using std::chrono::microseconds;

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

Cursor example() {
  return {.incarnation = 0x0123456789abcdef,
          .position = 42,
          .timestamp = Timestamp(microseconds(1'795'465'446'751'257)),
          .id_hash = hash_id("01936f5e-8c1a-7cc3-98c4-dc0c0c07398f")};
}

TEST(Cursors, SurviveTheirText) {
  constexpr auto max = std::numeric_limits<std::uint64_t>::max();
  const Cursor cursors[] = {
      {},
      example(),
      {.incarnation = max, .position = max, .timestamp = Timestamp(microseconds::max()), .id_hash = max},
      {.incarnation = 1, .position = 0, .timestamp = Timestamp(microseconds::min()), .id_hash = 0},
      {.incarnation = 0, .position = 1, .timestamp = Timestamp(microseconds(-1)), .id_hash = 1},
  };
  for (const auto& cursor : cursors) EXPECT_EQ(parse_cursor(to_text(cursor)), cursor);
}

TEST(Cursors, AreCAndFortyEightHarmlessCharacters) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) {
    const Cursor cursor{.incarnation = random(),
                        .position = random(),
                        .timestamp = Timestamp(microseconds(static_cast<std::int64_t>(random()))),
                        .id_hash = random()};
    const auto text = to_text(cursor);
    EXPECT_EQ(text.size(), 50u);
    EXPECT_EQ(text.substr(0, 2), "c_");
    EXPECT_EQ(text.find_first_not_of(alphabet), text.npos) << text;
    EXPECT_EQ(parse_cursor(text), cursor);
  }
}

TEST(Cursors, OneChangedCharacterIsNoticed) {
  const auto text = to_text(example());
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (int c = 0; c < 256; ++c) {
      auto changed = text;
      changed[i] = static_cast<char>(c);
      EXPECT_EQ(parse_cursor(changed).has_value(), changed == text) << changed;
    }
  }
}

TEST(Cursors, TwoSwappedCharactersAreNoticed) {
  const auto text = to_text(example());
  for (std::size_t i = 2; i + 1 < text.size(); ++i) {
    auto swapped = text;
    std::swap(swapped[i], swapped[i + 1]);
    EXPECT_EQ(parse_cursor(swapped).has_value(), swapped == text) << swapped;
  }
}

TEST(Cursors, CutOrLengthenedTextIsNone) {
  const auto text = to_text(example());
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(parse_cursor(text.substr(0, size)));
  EXPECT_FALSE(parse_cursor(text + "A"));
  EXPECT_FALSE(parse_cursor(text + text));
  EXPECT_FALSE(parse_cursor(" " + text.substr(1)));
}

TEST(Cursors, RandomTextIsNone) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 100'000; ++i) {
    std::string text = "c_AQ";  // even if the version is right
    while (text.size() < 50) text.push_back(alphabet[random() % alphabet.size()]);
    EXPECT_FALSE(parse_cursor(text)) << text;
  }
}

TEST(HashId, IsFnv1a) {
  EXPECT_EQ(hash_id(""), 0xcbf29ce484222325);
  EXPECT_EQ(hash_id("a"), 0xaf63dc4c8601ec8c);  // published test vectors of FNV-1a
  EXPECT_EQ(hash_id("foobar"), 0x85944171f73967e8);
}

TEST(CursorText, PrefersTheTextReceivedFromADistance) {
  EXPECT_EQ(cursor_text({.json = {}, .account_id = 1, .cursor = example(), .cursor_text = "c_far"}), "c_far");
}

TEST(CursorText, TakesTheIdFromTheLineIfTheBrokerDidNot) {
  Cursor without_id = example();
  without_id.id_hash = 0;
  const std::string_view lines[] = {
      R"({"id":"01936f5e-8c1a-7cc3-98c4-dc0c0c07398f","account_id":1,"timestamp":"2026-11-23T20:24:06Z","data":1})",
      R"({"account_id":1,"id":"01936f5e-8c1a-7cc3-98c4-dc0c0c07398f","timestamp":"2026-11-23T20:24:06Z","data":1})",
  };
  for (const auto line : lines) {
    EXPECT_EQ(parse_cursor(cursor_text({.json = line, .cursor = without_id, .cursor_text = {}})), example());
  }
}

TEST(CursorText, OfAGapHasNoId) {
  const Gap gap{.reason = "expired"};
  Cursor position = example();
  position.id_hash = 0;
  EXPECT_EQ(parse_cursor(cursor_text({.json = {}, .cursor = position, .cursor_text = {}, .gap = &gap})), position);
}

TEST(GapJson, SaysWhatIsKnown) {
  EXPECT_EQ(to_json({.reason = "disconnected"}), R"({"gap":{"reason":"disconnected"}})");
  EXPECT_EQ(to_json({.reason = "expired", .missed = 3}), R"({"gap":{"reason":"expired","missed":3}})");
  EXPECT_EQ(to_json({.reason = "sequence", .missed = 1, .account_id = 9223372036854775807}),
            R"({"gap":{"reason":"sequence","missed":1,"account_id":9223372036854775807}})");
  EXPECT_EQ(to_json({.reason = "a\"b\n"}), R"({"gap":{"reason":"a\"b\n"}})");
}

}  // namespace
}  // namespace tracking
