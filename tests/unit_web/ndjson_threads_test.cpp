// Outcomes that come from other threads, in any order, while lines are still read and intakes come and go.
#include <condition_variable>
#include <random>
#include <thread>

#include "unit_web/fixture.h"

namespace tracking::web {
namespace {

using namespace std::chrono_literals;

/// Completes on threads of its own, in no order.
class ThreadedLane final : public Lane {
 public:
  explicit ThreadedLane(int threads) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this, i] { run(static_cast<unsigned>(i)); });
  }
  ~ThreadedLane() override {
    {
      const std::lock_guard lock(mutex_);
      is_ending_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
  }

  void track(std::span<const Event> events, ReceiptHandler done, TrackOptions) noexcept override {
    {
      const std::lock_guard lock(mutex_);
      calls_.push_back({events, std::move(done)});
    }
    changed_.notify_one();
  }

 private:
  struct Call {
    std::span<const Event> events;
    ReceiptHandler done;
  };

  void run(unsigned seed) {
    std::mt19937 random(seed);
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return is_ending_ || !calls_.empty(); });
      if (calls_.empty()) return;
      const auto at = calls_.begin() + static_cast<std::ptrdiff_t>(random() % calls_.size());
      const Call call = std::move(*at);
      calls_.erase(at);
      lock.unlock();
      std::vector<Receipt> receipts(call.events.size());
      for (std::size_t i = 0; i < receipts.size(); ++i) {
        receipts[i].code = call.events[i].account_id == 7 ? Code::unknown_account : Code::ok;
        receipts[i].ack = AckLevel::sent;
      }
      call.done(receipts);
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Call> calls_;
  bool is_ending_ = false;
  std::vector<std::thread> threads_;
};

/// An upload as a connection makes it: it feeds, pauses and waits for its answer.
class Upload final : public Reply {
 public:
  Upload(EventRoutes& routes, int lines) : lines_(lines), intake_(routes.ndjson({}, *this)) {
    intake_->on_resume([this] { set(is_resumed_); });
  }
  void answer(const Answer& answer) noexcept override {
    body_ = answer.body;
    set(is_answered_);
  }
  void send() {
    for (int i = 0; i < lines_; i += 2) send_two(i);
  }
  /// Two lines, cut somewhere; waits while it is to pause.
  void send_two(int number) {
    constexpr std::string_view two = "{\"account_id\":1,\"data\":1}\n{\"account_id\":7,\"data\":1}\n";
    const std::size_t cut = static_cast<std::size_t>(number) % two.size();
    feed(two.substr(0, cut));
    feed(two.substr(cut));
  }
  void finish() { intake_->finish(true); }
  /// "accepted" of the answer.
  std::string wait_for_answer() {
    wait(is_answered_);
    return body_.substr(0, body_.find(','));
  }

 private:
  void feed(std::string_view piece) {
    while (intake_->feed(std::exchange(piece, {})) == NdjsonIntake::Feed::pause) wait(is_resumed_);
  }
  void set(bool& flag) {
    const std::lock_guard lock(mutex_);
    flag = true;
    changed_.notify_all();
  }
  void wait(bool& flag) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 60s, [&] { return flag; }));
    flag = false;
  }

  const int lines_;
  std::string body_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_resumed_ = false;
  bool is_answered_ = false;
  std::unique_ptr<NdjsonIntake> intake_;  // the last member: no call comes once it is gone
};

TEST(NdjsonOnThreads, EachUploadIsAnsweredOnceAndEachEventCounted) {
  constexpr int uploads = 40;
  constexpr int lines = 400;
  Ledger ledger;
  FakeService service;
  Limits limits;
  limits.ndjson_in_flight_max = 16;
  {
    auto lane = std::make_unique<ThreadedLane>(3);
    EventRoutes routes(*lane, ledger, service, limits);
    for (int i = 0; i < uploads; ++i) {
      Upload upload(routes, lines);
      upload.send();
      upload.finish();
      EXPECT_EQ(upload.wait_for_answer(), "{\"accepted\":200");
    }
  }
  const Ledger::Reading reading = ledger.read();
  EXPECT_EQ(reading.accepted, std::uint64_t{uploads} * lines / 2);
  EXPECT_EQ(reading.rejected.at("unknown-account"), std::uint64_t{uploads} * lines / 2);
  EXPECT_EQ(reading.in_flight, 0u);
}

TEST(NdjsonOnThreads, ManyUploadsAtOnceShareWhatIsInFlight) {
  constexpr int uploads = 40;
  constexpr int lines = 400;
  Ledger ledger;
  FakeService service;
  Limits limits;
  limits.ndjson_together_max = 16;
  {
    ThreadedLane lane(3);
    EventRoutes routes(lane, ledger, service, limits);
    std::vector<std::unique_ptr<Upload>> open;
    for (int i = 0; i < uploads; ++i) open.push_back(std::make_unique<Upload>(routes, lines));
    for (int line = 0; line < lines; line += 2) {
      for (auto& upload : open) upload->send_two(line);
    }
    for (std::size_t i = 0; i < open.size(); i += 2) open[i]->finish();
    for (std::size_t i = 0; i < open.size(); i += 2) EXPECT_EQ(open[i]->wait_for_answer(), "{\"accepted\":200");
    open.clear();  // and every other one unfinished
  }
  EXPECT_EQ(ledger.read().in_flight, 0u);
}

TEST(NdjsonOnThreads, AnUploadMayVanishAtAnyTime) {
  Ledger ledger;
  FakeService service;
  Limits limits;
  limits.ndjson_in_flight_max = 64;
  {
    ThreadedLane lane(3);
    EventRoutes routes(lane, ledger, service, limits);
    for (int i = 0; i < 300; ++i) {
      Upload upload(routes, i % 60);
      upload.send();
      if (i % 2 == 0) upload.finish();
    }
  }
  const Ledger::Reading reading = ledger.read();
  EXPECT_EQ(reading.in_flight, 0u);
  EXPECT_GT(reading.accepted, 1000u);
}

}  // namespace
}  // namespace tracking::web
