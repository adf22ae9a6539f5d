#include "server/inbox.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tracking::httpd {
namespace {

using Calls = std::vector<std::string>;

class Item final : public InboxItem {
 public:
  Item(std::string name, Calls& calls) : name_(std::move(name)), calls_(calls) {}
  void arrive() noexcept override {
    calls_.push_back(name_);
    if (on_arrival) on_arrival();
  }
  void prefetch() const noexcept override { calls_.push_back("fetch " + name_); }

  std::function<void()> on_arrival;

 private:
  const std::string name_;
  Calls& calls_;
};

struct Letters {
  int notified = 0;
  std::shared_ptr<Inbox> inbox = std::make_shared<Inbox>([this] { ++notified; });
  Calls calls;
  Item a{"a", calls};
  Item b{"b", calls};
  Item c{"c", calls};
};

TEST(Inbox, ItemsArriveInOrderAndEachIsFetchedWhileTheOneBeforeArrives) {
  Letters letters;
  for (Item* item : {&letters.a, &letters.b, &letters.c, &letters.a}) letters.inbox->push(*item);
  EXPECT_EQ(letters.notified, 1);
  letters.inbox->deliver();
  EXPECT_EQ(letters.calls, (Calls{"fetch b", "a", "fetch c", "b", "c"}));
}

TEST(Inbox, AnItemThatIsTakenOutWhileAnotherArrivesDoesNotArrive) {
  Letters letters;
  letters.a.on_arrival = [&] { EXPECT_TRUE(letters.inbox->remove(letters.b)); };
  for (Item* item : {&letters.a, &letters.b, &letters.c}) letters.inbox->push(*item);
  letters.inbox->deliver();
  EXPECT_EQ(letters.calls, (Calls{"fetch b", "a", "c"}));
}

TEST(Inbox, WhatIsPushedMeanwhileWaitsForTheNextRound) {
  Letters letters;
  letters.a.on_arrival = [&] { letters.inbox->push(letters.b); };
  letters.inbox->push(letters.a);
  letters.inbox->deliver();
  EXPECT_EQ(letters.calls, (Calls{"a"}));
  EXPECT_EQ(letters.notified, 2);
  letters.inbox->deliver();
  EXPECT_EQ(letters.calls, (Calls{"a", "b"}));
}

}  // namespace
}  // namespace tracking::httpd
