#include "request_maker.h"

#include <array>
#include <charconv>
#include <random>

namespace tracking::cli {
namespace {

constexpr std::size_t run_characters = 10;
constexpr std::size_t time_characters = 16;
constexpr std::string_view hex_digits = "0123456789abcdef";

std::string make_run() {
  std::random_device random;
  std::string run = "b";
  while (run.size() < run_characters) run += hex_digits[random() % hex_digits.size()];
  return run;
}

void write_hex(char* out, std::uint64_t number) {
  for (std::size_t i = time_characters; i-- > 0; number >>= 4) out[i] = hex_digits[number & 15];
}

void append_number(std::string& text, std::uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  text.append(digits.data(), end);
}

std::string authority(const BenchSettings& settings) {
  const bool is_ipv6 = settings.host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + settings.host + "]" : settings.host) + ":" + settings.port;
}

}  // namespace

RequestMaker::RequestMaker(const BenchSettings& settings)
    : settings_(settings),
      is_marked_(settings.subscribers > 0 || (settings.rate > 0 && settings.data_bytes >= marked_data_bytes_min)),
      is_constant_(!is_marked_ && !settings.has_ids && settings.accounts.size() == 1),
      run_(make_run()),
      data_("\"" + std::string(settings.data_bytes - 2, 'x') + "\"") {
  if (settings.zipf_exponent) zipf_.emplace(settings.accounts.size(), *settings.zipf_exponent);
  const bool is_example = !is_marked_ && settings.data_bytes == 5;
  if (is_example) data_ = "\"foo\"";
  if (is_marked_) data_.replace(1, run_.size(), run_);
  head_ = "POST " + settings.path + (settings.ack.empty() ? "" : "?ack=" + settings.ack) +
          " HTTP/1.1\r\nHost: " + authority(settings) +
          "\r\nContent-Type: " + (settings.format == BodyFormat::ndjson ? "application/x-ndjson" : "application/json") +
          "\r\nContent-Length: ";
}

std::string_view RequestMaker::next(std::int64_t due_ns) {
  if (!is_constant_ || request_.empty()) write(due_ns);
  return request_;
}

void RequestMaker::write(std::int64_t due_ns) {
  body_.clear();
  if (settings_.format == BodyFormat::array) body_ += '[';
  for (std::uint64_t i = 0; i < settings_.batch; ++i) {
    if (i > 0) body_ += settings_.format == BodyFormat::array ? ',' : '\n';
    append_event(due_ns);
  }
  if (settings_.format == BodyFormat::array) body_ += ']';
  request_ = head_;
  append_number(request_, body_.size());
  request_.append("\r\n\r\n").append(body_);
}

void RequestMaker::append_event(std::int64_t due_ns) {
  const std::uint64_t size = settings_.accounts.size();
  std::uint64_t index = 0;
  if (size > 1) index = zipf_ ? zipf_->pick(random_) : random_.next() % size;
  body_.append("{\"account_id\":");
  append_number(body_, static_cast<std::uint64_t>(settings_.accounts.at(index)));
  if (settings_.has_ids) {
    body_.append(",\"id\":\"").append(run_).append("-");
    append_number(body_, ++ids_);
    body_.append("\"");
  }
  if (is_marked_) write_hex(data_.data() + 1 + run_characters, static_cast<std::uint64_t>(due_ns));
  body_.append(",\"data\":").append(data_).append("}");
}

std::optional<std::int64_t> RequestMaker::due_of(std::string_view line) const noexcept {
  // Data is the last member (docs/HTTP.md, "The event"), and of a known size.
  if (line.size() < settings_.data_bytes + 1) return std::nullopt;
  const auto data = line.substr(line.size() - 1 - settings_.data_bytes);
  if (data.compare(1, run_characters, run_) != 0) return std::nullopt;
  const auto text = data.substr(1 + run_characters, time_characters);
  std::uint64_t time = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), time, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return static_cast<std::int64_t>(time);
}

std::string RequestMaker::subscribe_request() const {
  // Each stream is asked for single accounts only if they fit well into a request line; else for all.
  constexpr std::uint64_t named_max = 100;
  std::string query;
  for (std::uint64_t i = 0; settings_.accounts.size() <= named_max && i < settings_.accounts.size(); ++i) {
    query.append(query.empty() ? "?account_id=" : ",").append(std::to_string(settings_.accounts.at(i)));
  }
  return "GET /v1/events" + query + " HTTP/1.1\r\nHost: " + authority(settings_) +
         "\r\nAccept: text/event-stream\r\n\r\n";
}

}  // namespace tracking::cli
