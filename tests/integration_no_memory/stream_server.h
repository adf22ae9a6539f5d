// A server of event streams whose client's allocations fail: it allocates nothing itself.
#pragma once

#include <tracking/subscription.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>

#include "integration_no_memory/http_server.h"

namespace tracking::test {

/// A log of events and gaps, of which all up to a position have happened. Streams begin at `since`, hold what was asked
/// for, and go on when more happens.
class StreamServer final : private HttpHandler {
 public:
  /// What stands at position 1, 2, ...: an event of that account, or a gap.
  static constexpr AccountId gap = 0;
  static constexpr std::array<AccountId, 20> log = {1, 2, 3, gap, 1, 1, 3, 2, gap, 1,  // before the change of accounts
                                                    2, 3, 1, gap, 3, 2, 1, 3, gap, 1};
  static constexpr std::uint64_t old_end = 10;
  static constexpr std::uint64_t end = log.size();

  StreamServer() {
    for (std::uint64_t position = 0; position <= end; ++position) {
      const Cursor cursor{.incarnation = 7, .position = position, .timestamp = time_of(position), .id_hash = position};
      cursors_[position] = to_text(cursor);
    }
    for (std::uint64_t position = 1; position <= end; ++position) make_frame(position);
  }

  std::string url() const { return server_.url(); }
  const std::string& cursor(std::uint64_t position) const { return cursors_[position]; }

  /// Nothing behind the position has happened.
  void start_over(std::uint64_t position) noexcept { happened_ = position; }
  /// All up to the position happens.
  void go_on(std::uint64_t position) noexcept {
    happened_ = position;
    server_.poke();
  }

 private:
  struct Stream {
    bool is_open = false;
    unsigned accounts = 0;  // a bit each; 0 = all
    std::uint64_t position = 0;
  };

  // Long ago, or long to come: nobody's clock matters.
  static Timestamp time_of(std::uint64_t position) {
    return Timestamp(std::chrono::seconds((position <= old_end ? 1'000'000'000 : 4'000'000'000) + position));
  }

  void make_frame(std::uint64_t position) {
    const AccountId account = log[position - 1];
    std::string& frame = frames_[position];
    frame = "id: " + cursors_[position] + "\n";
    if (account == gap) {
      frame += "event: gap\ndata: {\"reason\":\"a reason of this log's own\",\"missed\":3}\n\n";
    } else {
      frame += R"(data: {"id":"e)" + std::to_string(position) + R"(","account_id":)" + std::to_string(account) +
               (position <= old_end ? R"(,"timestamp":"2001-09-09T01:46:40.000000Z")"
                                    : R"(,"timestamp":"2096-10-02T07:06:40.000000Z")") +
               R"(,"producer":"p","sequence":)" + std::to_string(position) + R"(,"data":")" + std::string(300, 'x') +
               "\"}\n\n";
    }
  }

  static std::string_view parameter(std::string_view head, std::string_view name) noexcept {
    std::string_view line = head.substr(0, head.find('\r'));
    line.remove_prefix(std::min(line.find('?'), line.size()));
    for (auto at = line.find(name); at != std::string_view::npos; at = line.find(name, at + 1)) {
      if (at > 0 && (line[at - 1] == '?' || line[at - 1] == '&') && line.substr(at + name.size(), 1) == "=") {
        line.remove_prefix(at + name.size() + 1);
        return line.substr(0, line.find_first_of("& "));
      }
    }
    return {};
  }

  void answer(std::size_t peer, std::string_view head, std::string_view /*body*/) noexcept override {
    Stream& stream = streams_[peer];
    stream = {};
    const auto since = parameter(head, "since");
    const auto cursor = parse_cursor(since);
    stream.position = cursor ? cursor->position : since == "all" ? 0 : happened_.load();
    for (const char digit : parameter(head, "account_id")) {
      if (digit != ',') stream.accounts |= 1u << (digit - '0');
    }
    server_.send(peer, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    send_chunk(peer, "retry: 2000\nid: ", cursors_[stream.position], "\n\n");
    send_what_happened(peer);
    stream.is_open = parameter(head, "follow") != "false";
    if (!stream.is_open) server_.send(peer, "0\r\n\r\n");
  }

  void peer_left(std::size_t peer) noexcept override { streams_[peer].is_open = false; }

  void poked() noexcept override {
    for (std::size_t peer = 0; peer < streams_.size(); ++peer) {
      if (streams_[peer].is_open) send_what_happened(peer);
    }
  }

  void send_what_happened(std::size_t peer) noexcept {
    Stream& stream = streams_[peer];
    for (const std::uint64_t until = happened_; stream.position < until;) {
      const AccountId account = log[stream.position++];
      if (account != gap && stream.accounts != 0 && (stream.accounts >> account & 1) == 0) continue;
      // In two pieces, so that a line's beginning has to be kept.
      const std::string_view frame = frames_[stream.position];
      send_chunk(peer, frame.substr(0, 90));
      send_chunk(peer, frame.substr(90));
    }
  }

  void send_chunk(std::size_t peer, std::string_view first, std::string_view second = {},
                  std::string_view third = {}) noexcept {
    std::array<char, 1'024> chunk;
    const auto length = [](std::string_view text) { return static_cast<int>(text.size()); };
    const int size = std::snprintf(chunk.data(), chunk.size(), "%zx\r\n%.*s%.*s%.*s\r\n",
                                   first.size() + second.size() + third.size(), length(first), first.data(),
                                   length(second), second.data(), length(third), third.data());
    server_.send(peer, {chunk.data(), static_cast<std::size_t>(size)});
  }

  std::array<std::string, end + 1> cursors_;
  std::array<std::string, end + 1> frames_;
  std::atomic<std::uint64_t> happened_{0};
  std::array<Stream, HttpServer::peers_max> streams_{};  // used by the server's thread
  HttpServer server_{*this};
};

}  // namespace tracking::test
