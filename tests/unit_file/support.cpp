#include "unit_file/support.h"

namespace tracking::file_log::test {

Line LineMaker::make(std::uint64_t number, std::size_t data_bytes) {
  const AccountId account = 1 + static_cast<AccountId>(number % 3);
  std::string data = std::to_string(number);
  if (data.size() < data_bytes) data.insert(0, data_bytes - data.size(), 'x');
  const std::string text = R"({"id":"id-)" + std::to_string(number) + R"(","account_id":)" + std::to_string(account) +
                           R"(,"timestamp":"2026-01-01T00:00:00.000000Z","data":")" + data + R"("})";
  texts_.push_back(text);
  return {.json = texts_.back(), .account_id = account, .timestamp = time_of(number)};
}

OpenLog::OpenLog(SimulatedFiles& files, StoreSettings settings) {
  auto result =
      Store::open(settings, files, clock, [this](LogLevel, std::string_view text) { messages.emplace_back(text); });
  opened = result.error();
  if (!result) return;
  store = std::move(*result);
  writer = std::make_unique<StoreWriter>(*store);
  writer->prepare();
}

OpenLog::~OpenLog() = default;

Code OpenLog::append(std::uint64_t first, std::uint64_t count, std::size_t data_bytes) {
  FrameBuilder frame;
  for (std::uint64_t i = first; i < first + count; ++i) frame.add(lines.make(i, data_bytes));
  FrameBuilder* const frames[] = {&frame};
  const Code code = writer->append(frames);
  if (code == Code::ok) writer->show();
  return code;
}

std::vector<std::string> read_all(const Store& store, std::uint64_t position) {
  std::vector<std::string> read;
  StoreReader reader(store, position);
  for (;;) {
    const std::uint64_t from = reader.position();
    switch (reader.next()) {
      case StoreReader::Next::frame:
        for (auto at = std::max(from, reader.frame().first_position()); at < reader.frame().next_position(); ++at)
          read.emplace_back(reader.frame().line(at));
        break;
      case StoreReader::Next::hole:
        read.push_back("[" + std::string(reader.hole().reason) + " " +
                       (reader.hole().is_counted ? std::to_string(reader.hole().end - reader.hole().begin) : "?") +
                       "]");
        break;
      case StoreReader::Next::end:
        return read;
      case StoreReader::Next::failed:
        read.push_back("[failed: " + reader.message() + "]");
        return read;
    }
  }
}

std::vector<std::string> short_form(const std::vector<std::string>& read) {
  std::vector<std::string> data;
  for (const std::string& line : read) {
    const auto at = line.find(R"("data":")");
    data.push_back(at == std::string::npos ? line : line.substr(at + 8, line.size() - at - 10));
  }
  return data;
}

}  // namespace tracking::file_log::test
