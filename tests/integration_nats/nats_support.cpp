#include "integration_nats/nats_support.h"

#include <algorithm>

namespace tracking::test {

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

nats_io::Options nats_options(const std::string& url) {
  std::multimap<std::string, std::string> others;
  return nats_io::parse_options(BackendUrl::parse(url).value(), others).value();
}

Log LogLines::sink() {
  return [this](LogLevel, std::string_view line) {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(line);
  };
}

std::vector<std::string> LogLines::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

std::size_t LogLines::count(std::string_view text) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(lines_.begin(), lines_.end(),
                                                [&](const std::string& line) { return line.find(text) != line.npos; }));
}

std::size_t LogLines::count_when(std::string_view text, std::size_t expected) const {
  eventually([&] { return count(text) >= expected; });
  return count(text);
}

}  // namespace tracking::test
