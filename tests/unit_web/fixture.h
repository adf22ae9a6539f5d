// Routes over a fake service, and replies that remember what they were given.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "unit_web/fake_service.h"

namespace tracking::web {

struct RecordingReply final : Reply {
  void answer(const Answer& answer) noexcept override {
    ++count;
    status = answer.status;
    content_type = answer.content_type;
    body = answer.body;
    retry_after = answer.retry_after;
    if (on_answer) on_answer();
  }
  int count = 0;
  int status = 0;
  std::string content_type;
  std::string body;
  bool retry_after = false;
  std::function<void()> on_answer;
};

class WebTest : public ::testing::Test {
 protected:
  /// Posts `body` and returns what was answered so far.
  RecordingReply& post(std::string body, std::string_view query = {}, std::string_view content_type = {},
                       std::string_view path = "/v1/events") {
    body_ = std::move(body);
    reply = {};
    std::string_view allow;
    const Route route = find_route("POST", path, allow);
    routes().post(route, {.method = "POST", .path = path, .query = query, .content_type = content_type, .body = body_},
                  reply);
    return reply;
  }

  EventRoutes& routes() {
    if (!routes_) routes_ = std::make_unique<EventRoutes>(lane, ledger, service, limits);
    return *routes_;
  }

  FakeService service;
  FakeLane lane;
  Ledger ledger;
  Limits limits;  // taken over by the first post
  RecordingReply reply;

 private:
  std::string body_;
  std::unique_ptr<EventRoutes> routes_;
};

}  // namespace tracking::web
