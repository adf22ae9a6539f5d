// Cursors, starting points, times and backends' URLs from arbitrary bytes.
#include <tracking/backends.h>
#include <tracking/subscription.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "codec/rfc3339.h"
#include "fuzz/require.h"
#include "unit_codec/exact_bytes.h"

namespace {

using namespace tracking;
using tracking::testing::ExactBytes;

void try_cursor(std::string_view text) {
  const ExactBytes bytes(text);
  const auto cursor = parse_cursor(bytes.view());
  if (cursor) TRACKING_REQUIRE(to_text(*cursor) == text);
}

void try_since(std::string_view text) {
  constexpr Timestamp now(std::chrono::microseconds(1'795'465'446'751'257));
  const auto start = parse_since(Since(text), now);
  TRACKING_REQUIRE(start.is_ok() || start.code() == Code::invalid_parameter);
}

void try_time(std::string_view text) {
  const ExactBytes bytes(text);
  const auto time = codec::parse_rfc3339(bytes.view());
  if (!time) return;
  char written[codec::rfc3339_size];
  codec::write_rfc3339(written, *time);
  TRACKING_REQUIRE(codec::parse_rfc3339({written, sizeof written}) == time);
}

void require_hidden(const std::string& text, std::string_view secret) {
  BackendUrl url;
  url.text = text;
  TRACKING_REQUIRE(url.redacted().find(secret) == std::string::npos);
  const auto parsed = BackendUrl::parse(text);
  TRACKING_REQUIRE(parsed || parsed.error().message().find(secret) == std::string::npos);
}

// A password at one of its usual places is never shown, whatever stands around it.
void try_url(std::string_view text) {
  const ExactBytes bytes(text);
  if (const auto url = BackendUrl::parse(bytes.view())) {
    TRACKING_REQUIRE(url->text == text);
    TRACKING_REQUIRE(url->text.size() > url->scheme.size() + url->rest.size());
  }
  constexpr std::string_view secret = "s3cret";
  if (text.find(secret) != text.npos) return;
  require_hidden("nats://user:s3cret@" + std::string(text), secret);
  require_hidden("postgresql:" + std::string(text) + "?password=s3cret", secret);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  try_cursor(text);
  try_since(text);
  try_time(text);
  try_url(text);
  return 0;
}
