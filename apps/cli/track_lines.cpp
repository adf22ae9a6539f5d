#include "track_lines.h"

#include "codec/event_decoder.h"
#include "connection_options.h"
#include "exit_codes.h"
#include "line_reader.h"
#include "terminal.h"
#include "track_answer.h"
#include "watcher.h"

#include <sys/eventfd.h>
#include <unistd.h>

namespace tracking::cli {
namespace {

constexpr std::size_t lines_max = 1'000;           // at a time: what one request carries
constexpr std::size_t line_bytes_max = 16u << 20;  // the server's own limit is lower unless configured otherwise
constexpr std::uint64_t told_max = 20;             // rejections that are told one by one; the answer lists 100
constexpr auto progress_interval = std::chrono::milliseconds(200);

// One run over the whole input.
class LineTracker {
 public:
  explicit LineTracker(TrackClient& client) : client_(client) {}

  /// Takes a piece of the input. False: it gave up.
  bool track(std::vector<LineReader::Line>& lines);
  void show(bool is_last);
  const BatchSummary& summary() const { return summary_; }
  Code stopped_by() const { return stopped_by_; }

 private:
  void reject(std::uint64_t index, std::uint64_t line, Code code, const std::string& detail);
  bool settle(std::uint64_t index, std::uint64_t line, const Event& event, const Receipt& receipt);

  TrackClient& client_;
  BatchSummary summary_;
  std::uint64_t events_ = 0;  // lines that are not blank, so far
  std::uint64_t lines_ = 0;
  Code stopped_by_ = Code::ok;
  std::chrono::steady_clock::time_point shown_{};
};

void LineTracker::reject(std::uint64_t index, std::uint64_t line, Code code, const std::string& detail) {
  summary_.reject(index, code, detail);
  if (summary_.rejected() <= told_max) {
    say("line " + std::to_string(line) + ": " + std::string(name(code)) + ": " + printable(detail));
  } else if (summary_.rejected() == told_max + 1) {
    say("further rejected lines are not told here: the answer counts them");
  }
}

// False: this event was given up.
bool LineTracker::settle(std::uint64_t index, std::uint64_t line, const Event& event, const Receipt& receipt) {
  if (receipt.code == Code::ok) {
    summary_.accept(receipt);
    return true;
  }
  const int status = http_status(receipt.code);
  if (status >= 400 && status < 500 && receipt.code != Code::closed) {
    reject(index, line, receipt.code, explain(receipt.code, event.account_id));
    return true;
  }
  summary_.stop(index, receipt.code);
  if (stopped_by_ == Code::ok) stopped_by_ = receipt.code;
  return false;
}

bool LineTracker::track(std::vector<LineReader::Line>& lines) {
  struct Place {
    std::uint64_t index;
    std::uint64_t line;
  };
  std::vector<Event> events;
  std::vector<Place> places;
  for (auto& [text, is_too_long] : lines) {
    ++lines_;
    if (!is_too_long && text.find_first_not_of(" \t\r") == std::string::npos) continue;
    const Place place{events_++, lines_};
    Event event;
    codec::DecodeFault fault;
    if (is_too_long) {
      reject(place.index, place.line, Code::too_large, "longer than 16 MiB");
    } else if (!codec::decode_event(text.data(), text.size(), line_bytes_max, event, fault)) {
      reject(place.index, place.line, fault.code, fault.detail());
    } else {
      events.push_back(event);
      places.push_back(place);
    }
  }
  bool is_settled = true;
  const auto receipts = events.empty() ? std::vector<Receipt>() : client_.track(events);
  for (std::size_t i = 0; i < receipts.size(); ++i) {
    is_settled = settle(places[i].index, places[i].line, events[i], receipts[i]) && is_settled;
  }
  show(false);
  return is_settled;
}

void LineTracker::show(bool is_last) {
  const auto now = std::chrono::steady_clock::now();
  const std::string text =
      std::to_string(summary_.accepted()) + " accepted, " + std::to_string(summary_.rejected()) + " rejected";
  if (is_last) {
    say(text);
  } else if (now - shown_ >= progress_interval) {
    shown_ = now;
    show_progress(text);
  }
}

int end_of(const LineTracker& tracker, TrackClient& client, const TrackSettings& settings, bool is_interrupted) {
  const Written written = write_stdout(tracker.summary().json() + "\n");
  if (is_interrupted) return exit_interrupted;
  if (tracker.stopped_by() != Code::ok) {
    const Status connection = client.connection();
    const bool has_none = connection.code() == Code::could_not_connect;
    say_failure(has_none ? connection
                         : Status(tracker.stopped_by(), "gave up: " + std::string(name(tracker.stopped_by()))));
    say("from \"stopped_at\" on (counted from 0, without blank lines) send the events again");
    if (has_none && !settings.retries) return exit_could_not_connect;
  }
  return tracker.summary().is_good() && written != Written::failed ? exit_done : exit_failed;
}

}  // namespace

std::string explain(Code code, AccountId account_id) {
  std::string text(title(code));
  if (code == Code::unknown_account || code == Code::inactive_account) text += " " + std::to_string(account_id);
  const std::string what_to_do = advice(code, account_id);
  return what_to_do.empty() ? text : text + ". " + what_to_do;
}

int track_lines(const TrackSettings& settings) {
  std::unique_ptr<TrackClient> client;  // outlives the watcher, which may be stopping it
  std::atomic<TrackClient*> running{nullptr};
  std::atomic<bool> is_interrupted{false};
  const int stop = ::eventfd(0, EFD_CLOEXEC);
  const Watcher watcher({.interrupted = [&](int) {
    is_interrupted = true;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(stop, &one, sizeof one);
    if (auto* started = running.load()) started->stop();
  }});
  auto opened = TrackClient::open(settings);
  if (!opened) {
    say_failure(opened.error());
    return exit_code_of_opening(opened.error());
  }
  client = std::move(*opened);
  running = client.get();
  LineTracker tracker(*client);
  LineReader reader(lines_max, line_bytes_max);
  std::vector<LineReader::Line> lines;
  while (!is_interrupted && reader.read(lines, stop) && tracker.track(lines)) {
  }
  tracker.show(true);
  return end_of(tracker, *client, settings, is_interrupted);
}

}  // namespace tracking::cli
