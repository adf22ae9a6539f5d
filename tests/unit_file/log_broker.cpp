#include "unit_file/log_broker.h"

#include <tracking/subscriber.h>

#include <algorithm>

namespace tracking::file_log::test {

using namespace std::chrono_literals;

StoreSettings tiny_segments() {
  StoreSettings settings = OpenLog::small_segments();
  settings.segment_bytes = 2'000;
  return settings;
}

std::unique_ptr<SimulatedFiles> make_log_of_segments(bool is_closed) {
  auto files = std::make_unique<SimulatedFiles>();
  OpenLog log(*files, tiny_segments());
  for (std::uint64_t i = 1; i <= events_made; i += 2) EXPECT_EQ(log.append(i, 2, 60), Code::ok);
  EXPECT_GE(files->paths().size(), 5u);
  if (is_closed) {
    EXPECT_TRUE(log.writer->close());
  }
  return files;
}

void damage_trailers(SimulatedFiles& files) {
  for (const std::string& path : files.paths()) {
    std::string content = files.content(path);
    content[content.size() - 20] ^= 1;
    files.set_content(path, content);
  }
}

std::string time_text(std::uint64_t number) {
  const std::string text = std::to_string(number);
  return "2026-01-01T00:00:00." + std::string(6 - text.size(), '0') + text + "Z";
}

LogBroker::LogBroker(SimulatedFiles& files) {
  clock.advance(1s + 25us);
  BrokerSettings settings;
  settings.store = tiny_segments();
  const auto note = [this](LogLevel, std::string_view text) {
    const std::lock_guard lock(mutex);
    messages.emplace_back(text);
  };
  broker = open_file_broker(settings, files, clock, note).value();
}

LogBroker::Got LogBroker::read(SubscribeOptions options) {
  options.follow = false;
  auto opened = Subscriber::adopt([&](Wake wake) { return broker->subscribe(options, std::move(wake)); });
  if (!opened) return {.items = {}, .status = opened.error(), .cursor = ""};
  Got got;
  while (auto delivery = (*opened)->next()) {
    got.cursor = delivery->cursor();
    if (const Gap* gap = delivery->gap()) {
      got.items.push_back("[" + gap->reason + "]");
    } else {
      const std::string_view data = delivery->event()->data;  // "xxx12"
      const std::size_t begin = data.find_first_not_of("\"x");
      got.items.emplace_back(data.substr(begin, data.find_last_not_of('"') + 1 - begin));
    }
  }
  got.status = (*opened)->status();
  return got;
}

std::vector<std::string> LogBroker::items(const SubscribeOptions& options) {
  Got got = read(options);
  EXPECT_TRUE(got.status) << got.status.message();
  return got.items;
}

std::size_t LogBroker::count_messages(const std::string& part) {
  const std::lock_guard lock(mutex);
  return static_cast<std::size_t>(std::count_if(messages.begin(), messages.end(), [&](const std::string& message) {
    return message.find(part) != std::string::npos;
  }));
}

}  // namespace tracking::file_log::test
