// Waits for what can come beside the events: signals, typed lines, a reader of stdout that goes away.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace tracking::cli {

/// Handlers run on a thread of its own, one at a time.
struct WatcherHandlers {
  std::function<void(int signal)> interrupted;           ///< SIGINT, SIGTERM or SIGHUP; a second one ends the program
  std::function<void()> reader_gone = {};                ///< nobody reads stdout any more
  std::function<void(std::string_view line)> line = {};  ///< set = stdin is read, a line at a time
};

/// Make it before any other thread: signals are blocked for the calling thread and those that it starts.
class Watcher {
 public:
  explicit Watcher(WatcherHandlers handlers);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

 private:
  void run();
  bool read_signal();
  bool read_lines();

  const WatcherHandlers handlers_;
  int signals_ = -1;
  int stop_ = -1;
  bool was_interrupted_ = false;
  std::string typed_;  // the beginning of a line
  bool drops_line_ = false;
  std::thread thread_;
};

}  // namespace tracking::cli
