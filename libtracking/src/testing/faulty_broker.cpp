#include <tracking/testing.h>

#include <string>
#include <vector>

namespace tracking::testing {

/// A publish() whose lines are kept, because they were only lent.
struct FaultyBroker::Held {
  Held(Lines given, Completion completion) : ack(given.ack()), done(std::move(completion)) {
    texts.reserve(2 * given.size());
    lines.reserve(given.size());
    for (Line line : given) {
      line.json = texts.emplace_back(line.json);
      line.id = texts.emplace_back(line.id);
      lines.push_back(line);
    }
  }

  std::vector<std::string> texts;
  std::vector<Line> lines;
  AckLevel ack;
  Completion done;
};

FaultyBroker::FaultyBroker(std::unique_ptr<Broker> inner, std::shared_ptr<Faults> faults)
    : inner_(std::move(inner)), faults_(std::move(faults)) {}

FaultyBroker::~FaultyBroker() = default;  // what is held back is completed as in doubt

void FaultyBroker::publish(Lines lines, Completion done) noexcept {
  faults_->count();
  if (Status status = faults_->take(); !status) return done.all(status.code());
  std::unique_lock lock(mutex_);
  if (!faults_->is_held() && held_.empty() && !is_passing_on_) {
    lock.unlock();
    return inner_->publish(lines, std::move(done));
  }
  held_.push_back(std::make_unique<Held>(lines, std::move(done)));
  if (!faults_->is_held()) pass_on(lock, Code::ok);
}

void FaultyBroker::complete_held(Code code) noexcept {
  std::unique_lock lock(mutex_);
  pass_on(lock, code);
}

void FaultyBroker::pass_on(std::unique_lock<std::mutex>& lock, Code code) noexcept {
  if (is_passing_on_) return;  // that thread takes these along
  is_passing_on_ = true;
  while (!held_.empty()) {
    const std::unique_ptr<Held> held = std::move(held_.front());
    held_.pop_front();
    lock.unlock();
    if (code == Code::ok) {
      inner_->publish(Lines(held->lines, held->ack), std::move(held->done));
    } else {
      held->done.all(code);
    }
    lock.lock();
  }
  is_passing_on_ = false;
}

BrokerTraits FaultyBroker::traits() const noexcept { return inner_->traits(); }

Result<std::unique_ptr<Subscription>> FaultyBroker::subscribe(const SubscribeOptions& options, Wake wake) noexcept {
  return inner_->subscribe(options, std::move(wake));
}

void FaultyBroker::recent(Timestamp since, std::size_t events_max, const RecentVisitor& visit) noexcept {
  inner_->recent(since, events_max, visit);
}

Status FaultyBroker::health() noexcept {
  if (Status status = faults_->peek(); !status) return status;
  return inner_->health();
}

BrokerStats FaultyBroker::stats() noexcept { return inner_->stats(); }

Status FaultyBroker::close(std::chrono::milliseconds deadline) noexcept {
  complete_held(Code::in_doubt);
  return inner_->close(deadline);
}

}  // namespace tracking::testing
