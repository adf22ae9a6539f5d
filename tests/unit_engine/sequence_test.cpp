// The counts of a lane's events, by account.
#include "engine/sequence_table.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <new>

#include "unit_engine/support.h"

namespace tracking::test {
namespace {

using engine::SequenceTable;

TEST(SequenceTable, CountsEachAccountThroughAllItsSizes) {
  SequenceTable table;
  EXPECT_FALSE(table.is_beyond_cache());
  constexpr AccountId accounts = 200'000;  // 8 MiB: large pages, where the system has them
  for (std::uint64_t round = 1; round <= 3; ++round) {
    for (AccountId id = 1; id <= accounts; ++id) ASSERT_EQ(table.next(id * 7919), round) << id;
  }
  EXPECT_TRUE(table.is_beyond_cache());
  EXPECT_FALSE(table.is_full());
  table.clear();
  EXPECT_FALSE(table.is_beyond_cache());
  EXPECT_EQ(table.next(7919), 1u);
}

// An account that is counted for again and again is found at once; also when its place has moved, or is gone.
TEST(SequenceTable, GoesOnWithTheAccountOfBeforeWhereverItStands) {
  SequenceTable table;
  EXPECT_EQ(table.next(1), 1u);
  EXPECT_EQ(table.next(1), 2u);
  table.reserve(100'000);
  EXPECT_EQ(table.next(1), 3u);
  for (AccountId id = 2; id <= 1'000; ++id) {
    ASSERT_EQ(table.next(id), 1u);  // may grow
    ASSERT_EQ(table.next(id), 2u);
  }
  EXPECT_EQ(table.next(1), 4u);
  EXPECT_EQ(table.next(1), 5u);
  table.clear();
  EXPECT_EQ(table.next(1), 1u);
}

/// While it lives the process gets no more than `bytes` of further address space.
class AddressSpaceLimit {
 public:
  explicit AddressSpaceLimit(std::size_t bytes) {
    ::getrlimit(RLIMIT_AS, &before_);
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit limit = before_;
    limit.rlim_cur = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) + bytes;
    ::setrlimit(RLIMIT_AS, &limit);
  }
  ~AddressSpaceLimit() { ::setrlimit(RLIMIT_AS, &before_); }
  AddressSpaceLimit(const AddressSpaceLimit&) = delete;
  AddressSpaceLimit& operator=(const AddressSpaceLimit&) = delete;

 private:
  rlimit before_{};
};

TEST(SequenceTable, WithoutMemoryItThrowsAndStaysAsItWas) {
  SequenceTable table;
  for (AccountId id = 1; id <= 1'000; ++id) table.next(id);
  bool has_thrown = false;
  {
    const AddressSpaceLimit limit(16 << 20);
    try {
      table.reserve(SequenceTable::accounts_max);  // 32 MiB
    } catch (const std::bad_alloc&) {
      has_thrown = true;
    }
  }
  EXPECT_TRUE(has_thrown);
  for (AccountId id = 1; id <= 1'000; ++id) ASSERT_EQ(table.next(id), 2u);
  table.reserve(SequenceTable::accounts_max);
  for (AccountId id = 1; id <= 1'000; ++id) ASSERT_EQ(table.next(id), 3u);
}

/// Everyone but each tenth is active.
class MostAreActive final : public AccountRepository {
 public:
  Status find(std::span<const AccountId> ids, std::span<AccountState> states) noexcept override {
    for (std::size_t i = 0; i < ids.size(); ++i)
      states[i] = ids[i] % 10 == 0 ? AccountState::inactive : AccountState::active;
    return {};
  }
  std::unique_ptr<AccountRepository> another() noexcept override { return std::make_unique<MostAreActive>(); }
};

// Enough of them that what is known of accounts is fetched from memory ahead of its use.
TEST(ManyAccounts, EachEventOfABatchGetsTheAnswerAndTheNumberOfItsOwnAccount) {
  constexpr AccountId accounts = 30'000;
  const auto broker = std::make_shared<RecordingBroker>();
  const auto service = TrackingService::open(std::make_unique<MostAreActive>(), broker).value();
  const auto lane = service->lane();
  std::vector<Event> batch;
  for (AccountId id = 1; id <= accounts; ++id) batch.push_back({.account_id = id, .data = "1"});
  constexpr std::uint64_t rounds = 3;
  for (std::uint64_t round = 1; round <= rounds; ++round) {
    std::promise<std::vector<Code>> done;
    lane->track(batch, [&](std::span<const Receipt> receipts) {
      std::vector<Code> codes;
      for (const Receipt& receipt : receipts) codes.push_back(receipt.code);
      done.set_value(std::move(codes));
    });
    const std::vector<Code> codes = done.get_future().get();
    ASSERT_EQ(codes.size(), batch.size());
    for (std::size_t i = 0; i < codes.size(); ++i)
      ASSERT_EQ(codes[i], batch[i].account_id % 10 == 0 ? Code::inactive_account : Code::ok) << i;
  }
  std::map<AccountId, std::uint64_t> last;
  for (const std::string& line : broker->lines()) {
    const EventFields event = parse_event_line(line).value();
    ASSERT_EQ(event.sequence, ++last[event.account_id]);
  }
  EXPECT_EQ(last.size(), static_cast<std::size_t>(accounts - accounts / 10));
  for (const auto& [id, count] : last) ASSERT_EQ(count, rounds) << id;
}

}  // namespace
}  // namespace tracking::test
