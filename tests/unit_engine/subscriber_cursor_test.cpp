// What was read from a subscription, and what of it was handed over: the cursor, the filter and the end between both.
#include <gtest/gtest.h>

#include <stdexcept>

#include "unit_engine/support.h"

namespace tracking::test {
namespace {

Cursor place(std::uint64_t position) { return {.incarnation = 7, .position = position, .id_hash = position + 1}; }

/// Gives events in batches of three, the first at position 1, all of it being there; their accounts are 1, 2, 1, 2, ...
/// As its interface says, its cursor is behind what was read.
class Threes final : public Subscription {
 public:
  ReadState read(Deliveries& out, std::size_t, std::size_t) noexcept override {
    out.clear();
    for (int i = 0; i < 3; ++i) {
      ++position_;
      out.add({.json = "{}", .account_id = position_ % 2 == 1 ? 1 : 2, .cursor = place(position_)});
    }
    during_read();
    return ReadState::more;
  }
  Status set_accounts(std::span<const AccountId>) noexcept override { return {}; }
  std::string cursor() const override { return to_text(place(position_)); }

  std::function<void()> during_read = [] {};

 private:
  std::uint64_t position_ = 0;
};

struct SubscriberCursorTest : ::testing::Test {
  Threes* threes = nullptr;
  std::unique_ptr<Subscriber> subscriber = Subscriber::adopt([this](Wake) -> Result<std::unique_ptr<Subscription>> {
                                             auto made = std::make_unique<Threes>();
                                             threes = made.get();
                                             return std::unique_ptr<Subscription>(std::move(made));
                                           }).value();

  std::vector<std::uint64_t> next_batch() {
    std::vector<std::uint64_t> positions;
    subscriber->next_batch(10s, [&](const Deliveries& batch) {
      EXPECT_FALSE(batch.empty());
      for (const DeliveryView& view : batch) positions.push_back(view.cursor.position);
    });
    return positions;
  }
};

using Positions = std::vector<std::uint64_t>;

TEST_F(SubscriberCursorTest, WhatWasReadWhenItWasClosedIsStillAheadOfTheCursor) {
  threes->during_read = [this] { subscriber->close(); };
  EXPECT_FALSE(subscriber->next());
  EXPECT_EQ(subscriber->cursor(), to_text(place(0)));
}

TEST_F(SubscriberCursorTest, ABatchThatWasReadWhenItWasClosedIsStillAheadOfTheCursor) {
  threes->during_read = [this] { subscriber->close(); };
  EXPECT_EQ(next_batch(), Positions());
  EXPECT_EQ(subscriber->cursor(), to_text(place(0)));
}

TEST_F(SubscriberCursorTest, ItIsThatOfTheLastDeliveryHandedOver) {
  for (std::uint64_t position = 0; position < 5; ++position) {
    EXPECT_EQ(subscriber->cursor(), to_text(place(position)));
    EXPECT_TRUE(subscriber->next());
  }
  EXPECT_EQ(next_batch(), (Positions{6}));
  EXPECT_EQ(subscriber->cursor(), to_text(place(6)));
}

TEST_F(SubscriberCursorTest, WhileABatchIsHandedOverItIsStillBeforeIt) {
  for (const std::uint64_t before : {0, 3}) {
    subscriber->next_batch(10s, [&](const Deliveries&) { EXPECT_EQ(subscriber->cursor(), to_text(place(before))); });
    EXPECT_EQ(subscriber->cursor(), to_text(place(before + 3)));
  }
}

TEST_F(SubscriberCursorTest, ABatchWhoseHandlerThrewIsHandedOverAgain) {
  const auto refuse = [](const Deliveries&) { throw std::runtime_error("not now"); };
  EXPECT_TRUE(subscriber->next());
  for (int i = 0; i < 3; ++i) EXPECT_THROW(subscriber->next_batch(10s, refuse), std::runtime_error);
  EXPECT_EQ(subscriber->cursor(), to_text(place(1)));
  EXPECT_EQ(next_batch(), (Positions{2, 3}));
  EXPECT_EQ(next_batch(), (Positions{4, 5, 6}));
}

TEST_F(SubscriberCursorTest, TheBatchFormHoldsToAFilterThatChangedAfterTheRead) {
  EXPECT_TRUE(subscriber->next());
  ASSERT_TRUE(subscriber->set_accounts({1}));
  EXPECT_EQ(next_batch(), (Positions{3}));
}

TEST_F(SubscriberCursorTest, ABatchOfWhichTheFilterLeavesNothingIsNotHandedOver) {
  EXPECT_TRUE(subscriber->next());
  ASSERT_TRUE(subscriber->set_accounts({9}));
  threes->during_read = [this] { subscriber->close(); };
  EXPECT_EQ(next_batch(), Positions());
}

TEST_F(SubscriberCursorTest, AfterCloseTheBatchFormGivesNothingEither) {
  EXPECT_TRUE(subscriber->next());
  subscriber->close();
  EXPECT_EQ(next_batch(), Positions());
  EXPECT_FALSE(subscriber->next());
  EXPECT_EQ(subscriber->cursor(), to_text(place(1)));
}

}  // namespace
}  // namespace tracking::test
