#include "memory/memory_broker.h"

#include <charconv>

#include "history/event_history.h"

namespace tracking::memory {
namespace {

class MemoryBroker final : public Broker {
 public:
  MemoryBroker(std::size_t history_bytes_max, Clock& clock)
      : history_(
            std::make_shared<history::EventHistory>(history::HistorySettings{.bytes_max = history_bytes_max}, clock)) {}

  void publish(Lines lines, Completion done) noexcept override {
    const std::size_t taken = history_->append(lines);
    if (taken == lines.size()) return done.all(AckLevel::sent);
    for (std::size_t i = 0; i < taken; ++i) done.one(i, {.code = Code::ok, .ack = AckLevel::sent});
    done.all(Code::overloaded);
  }

  BrokerTraits traits() const noexcept override { return {.has_history = true}; }

  Result<std::unique_ptr<Subscription>> subscribe(const SubscribeOptions& options, Wake wake) noexcept override {
    try {
      return history_->open(options, std::move(wake), history_);
    } catch (const std::bad_alloc&) {
      return {Code::overloaded, "no memory"};
    }
  }

  BrokerStats stats() noexcept override { return history_->stats(); }

  Status close(std::chrono::milliseconds) noexcept override {
    history_->close();
    return {};
  }

 private:
  const std::shared_ptr<history::EventHistory> history_;
};

// "16MiB", "64KiB", "1GiB", or bytes.
std::optional<std::size_t> parse_size(std::string_view text) {
  std::size_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value > (std::size_t{1} << 30)) return std::nullopt;
  const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
  if (unit.empty() || unit == "B") return value;
  if (unit == "KiB") return value << 10;
  if (unit == "MiB") return value << 20;
  if (unit == "GiB") return value << 30;
  return std::nullopt;
}

}  // namespace

std::unique_ptr<Broker> make_memory_broker(std::size_t history_bytes_max, Clock& clock) {
  return std::make_unique<MemoryBroker>(history_bytes_max, clock);
}

Result<std::unique_ptr<Broker>> open_memory_broker(const BackendContext& context) {
  std::size_t history_bytes_max = history_bytes_default;
  if (!context.url.rest.empty())
    return {Code::invalid_parameter, "memory: takes no path, but " + context.url.redacted() + " has one"};
  for (const auto& [key, value] : context.url.parameters) {
    const auto size = key == "history" ? parse_size(value) : std::nullopt;
    if (!size)
      return {Code::invalid_parameter, "broker memory: takes history=SIZE (such as 64MiB), not " + key + "=" + value};
    history_bytes_max = *size;
  }
  return make_memory_broker(history_bytes_max, *context.clock);
}

}  // namespace tracking::memory
