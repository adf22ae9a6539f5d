#include "workload.h"

#include <algorithm>
#include <cstdio>

namespace tracking::bench {
namespace {

class Reader final : public Visitor {
 public:
  Reader(const Workload& workload, bool is_checked) : workload_(workload), is_checked_(is_checked) {}

  void event(std::uint64_t position, AccountId account_id, std::string_view line) override {
    ++seen_.events;
    seen_.bytes += line.size();
    if (is_checked_ && (account_id != 1 || position < next_ || line != workload_.text(position))) ++seen_.wrong;
    next_ = position + 1;
  }
  void loss(std::uint64_t begin, std::uint64_t end) override { seen_.told_lost += end - begin; }
  const Seen& seen() const noexcept { return seen_; }

 private:
  const Workload& workload_;
  const bool is_checked_;
  std::uint64_t next_ = 1;
  Seen seen_;
};

// CONTRACT: the form of an event. 150 bytes or so.
std::string line_of(std::uint64_t position) {
  char line[256];
  const int size = std::snprintf(line, sizeof line,
                                 R"({"id":"01936f5e-8c1a-7cc3-98c4-%012llx","account_id":1,)"
                                 R"("timestamp":"2026-11-23T20:24:06.751257Z","producer":"5zq0w9c1",)"
                                 R"("sequence":%llu,"data":"foo"})",
                                 static_cast<unsigned long long>(position), static_cast<unsigned long long>(position));
  return {line, static_cast<std::size_t>(size)};
}

}  // namespace

Workload::Workload(std::uint64_t events_max) {
  std::vector<std::size_t> ends;
  for (std::uint64_t position = 1; position <= events_max; ++position) {
    text_ += line_of(position);
    ends.push_back(text_.size());
  }
  const Timestamp now(std::chrono::microseconds(1'763'930'000'000'000));
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    lines_.push_back({.json = std::string_view(text_).substr(begin, end - begin),
                      .account_id = 1,
                      .timestamp = now + std::chrono::microseconds(lines_.size())});
    begin = end;
  }
}

std::span<const Line> Workload::lines(std::uint64_t position, std::uint64_t count) const {
  const std::uint64_t begin = (position - 1) % lines_.size();
  return std::span(lines_).subspan(begin, std::min(count, lines_.size() - begin));
}

Seen read_all(Store& store, const Workload& workload, bool is_checked) {
  Reader reader(workload, is_checked);
  store.read(1, reader);
  return reader.seen();
}

void expect_all(Store& store, const Workload& workload, std::uint64_t count) {
  const Seen seen = read_all(store, workload, true);
  if (seen.events != count || seen.wrong > 0 || seen.told_lost > 0) {
    throw StoreError("of " + std::to_string(count) + " events " + std::to_string(seen.events) + " came back, " +
                     std::to_string(seen.wrong) + " of them wrong");
  }
}

void append_until(Store& store, const Workload& workload, std::uint64_t end, std::uint64_t group_events) {
  for (std::uint64_t position = store.next_position(); position < end;) {
    const auto lines = workload.lines(position, std::min(group_events, end - position));
    store.append(lines);
    position += lines.size();
  }
}

}  // namespace tracking::bench
