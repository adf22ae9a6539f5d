#include "bench/last_deliveries.h"

#include <gtest/gtest.h>

namespace tracking::cli {
namespace {

TEST(LastDeliveries, AnEventIsWholeWithItsLastSubscriber) {
  LastDeliveries deliveries(3);
  EXPECT_FALSE(deliveries.count(100));
  EXPECT_FALSE(deliveries.count(100));
  EXPECT_TRUE(deliveries.count(100));
}

TEST(LastDeliveries, EventsAreCountedApartAndMayOvertakeEachOther) {
  LastDeliveries deliveries(2);
  EXPECT_FALSE(deliveries.count(100));
  EXPECT_FALSE(deliveries.count(200));
  EXPECT_TRUE(deliveries.count(200));
  EXPECT_TRUE(deliveries.count(100));
}

TEST(LastDeliveries, ASingleSubscriberIsTheLast) {
  LastDeliveries deliveries(1);
  EXPECT_TRUE(deliveries.count(100));
  EXPECT_TRUE(deliveries.count(100));
}

TEST(LastDeliveries, WhatIsNeverWholeIsForgottenOldestFirst) {
  LastDeliveries deliveries(2);
  constexpr std::int64_t forgotten_after = 10'000;
  for (std::int64_t due = 0; due <= forgotten_after; ++due) EXPECT_FALSE(deliveries.count(due));
  EXPECT_FALSE(deliveries.count(0)) << "it was forgotten, and this is its first again";
  EXPECT_TRUE(deliveries.count(forgotten_after));
}

}  // namespace
}  // namespace tracking::cli
