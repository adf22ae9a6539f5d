// What the tests of this folder share.
#pragma once

#include "nats/connection.h"
#include "support/nats_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>

namespace tracking::test {

/// Waits for a condition that another thread brings about. False: it took too long.
bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit = std::chrono::seconds(20));

nats_io::Options nats_options(const std::string& url);

/// Lines of the log, from any thread.
class LogLines {
 public:
  Log sink();
  std::vector<std::string> lines() const;
  /// How many lines contain the text.
  std::size_t count(std::string_view text) const;
  /// The same, when there are that many: what is logged of a change may come a moment after the change.
  std::size_t count_when(std::string_view text, std::size_t expected) const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;  // guarded by mutex_
};

}  // namespace tracking::test
