#include "engine/event_ids.h"

#include <gtest/gtest.h>

#include <set>

namespace tracking::engine {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp a_time{1'764'000'000'123'457us};

std::string make_id(const EventIdKey& key, AccountId account, Timestamp time, std::uint32_t counter,
                    std::uint32_t lane) {
  std::string text(codec::UuidText::size, '?');
  key.id(EventIdKey::common_part(time), account, time, counter, lane).write(text.data());
  return text;
}

TEST(EventIds, AreUuidsOfVersion7) {
  const EventIdKey key;
  const std::string id = make_id(key, 1, a_time, 0, 0);
  ASSERT_EQ(id.size(), 36u);
  EXPECT_EQ(id[8], '-');
  EXPECT_EQ(id[13], '-');
  EXPECT_EQ(id[14], '7');
  EXPECT_EQ(id[18], '-');
  EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos);
  EXPECT_EQ(id[23], '-');
  const auto milliseconds = std::stoull(id.substr(0, 8) + id.substr(9, 4), nullptr, 16);
  EXPECT_EQ(milliseconds, 1'764'000'000'123u);
}

TEST(EventIds, SortByTimeToTheMicrosecond) {
  const EventIdKey key;
  for (int us = 0; us < 2'000; ++us) {
    const Timestamp time = a_time + std::chrono::microseconds(us);
    EXPECT_LT(make_id(key, 1, time, 4'095, 0), make_id(key, 1, time + 1us, 0, 0));
  }
}

TEST(EventIds, AreRecognisedWithTheirExactTime) {
  EventIdKey key;
  const std::uint32_t first_lane = key.new_lane();
  const std::uint32_t second_lane = key.new_lane();
  for (int us = 0; us < 1'000; ++us) {
    const Timestamp time = a_time + std::chrono::microseconds(us);
    EXPECT_EQ(key.verify(make_id(key, 7, time, static_cast<std::uint32_t>(us), us % 2 ? first_lane : second_lane), 7),
              time);
  }
}

TEST(EventIds, OfOthersAreNotRecognised) {
  EventIdKey key;
  const std::uint32_t lane = key.new_lane();
  EventIdKey other;
  const std::string id = make_id(key, 7, a_time, 1, lane);
  EXPECT_TRUE(key.verify(id, 7));
  EXPECT_FALSE(key.verify(id, 8)) << "another account's";
  EXPECT_FALSE(other.verify(make_id(key, 7, a_time, 1, other.new_lane()), 7)) << "another process's";
  for (std::size_t i = 0; i < id.size(); ++i) {
    std::string changed = id;
    changed[i] = changed[i] == '0' ? '1' : '0';
    EXPECT_FALSE(key.verify(changed, 7)) << i;
  }
  EXPECT_FALSE(key.verify("", 7));
  EXPECT_FALSE(key.verify(id.substr(1), 7));
}

TEST(EventIds, DifferForEveryCounterAndLaneOfAMicrosecond) {
  EventIdKey key;
  std::set<std::string> ids;
  for (std::uint32_t lane = 0; lane < 4; ++lane) {
    for (std::uint32_t counter = 0; counter <= EventIdKey::counter_mask; ++counter)
      ids.insert(make_id(key, 1, a_time, counter, lane));
  }
  EXPECT_EQ(ids.size(), 4u * 4'096u);
}

}  // namespace
}  // namespace tracking::engine
