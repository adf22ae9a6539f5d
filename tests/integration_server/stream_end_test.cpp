// How a stream ends: whoever asked for the history sees whether all of it came.
#include "integration_server/fixture.h"

namespace tracking::httpd {
namespace {

constexpr std::string_view last_chunk = "0\r\n\r\n";

/// Gives one event, and then what it is told to.
class OneEvent final : public Subscription {
 public:
  OneEvent(ReadState then, Status status) : then_(then), status_(std::move(status)) {}

  ReadState read(Deliveries& out, std::size_t, std::size_t) noexcept override {
    out.clear();
    if (std::exchange(is_read_, true)) return then_;
    out.add({.json = R"({"id":"e1","account_id":1,"data":1})", .account_id = 1, .cursor = {.position = 1}});
    return ReadState::more;
  }
  Status set_accounts(std::span<const AccountId>) noexcept override { return {}; }
  std::string cursor() const override { return to_text(Cursor{}); }
  Status status() const override { return then_ == ReadState::ended ? status_ : Status(); }

 private:
  const ReadState then_;
  const Status status_;
  bool is_read_ = false;
};

struct OneEventBroker final : Broker {
  void publish(Lines, Completion done) noexcept override { done.all(AckLevel::sent); }
  Result<std::unique_ptr<Subscription>> subscribe(const SubscribeOptions&, Wake) noexcept override {
    return std::unique_ptr<Subscription>(std::make_unique<OneEvent>(then, status));
  }
  BrokerTraits traits() const noexcept override { return {.gives_sent = true, .has_history = true}; }

  ReadState then = ReadState::ended;
  Status status;
};

class StreamEnd : public ListenerTest {
 protected:
  void serve(ReadState then, Status status = {}) {
    auto broker = std::make_unique<OneEventBroker>();
    broker->then = then;
    broker->status = std::move(status);
    listener_.reset();  // before its service
    service_ = TrackingService::open(AccountSource("memory:?active=1"), std::move(broker)).value();
    listener_ = PublicListener::bind(patient_settings(), *service_, ledger_, {}).value();
    listener_->start();
  }
  static std::string request(std::string_view query, std::string_view accept) {
    return "GET /v1/events?" + std::string(query) + " HTTP/1.1\r\nHost: a\r\nAccept: " + std::string(accept) +
           "\r\n\r\n";
  }
  /// The stream to its end, which must have the event.
  std::string read(Client& client) {
    std::string stream = client.read_to_end();
    EXPECT_NE(stream.find(R"("id":"e1")"), std::string::npos) << stream;
    return stream;
  }
};

TEST_F(StreamEnd, OfAllTheHistoryIsALastChunk) {
  serve(ReadState::ended);
  for (const char* accept : {"application/x-ndjson", "text/event-stream"}) {
    Client client = connect();
    client.send(request("since=all&follow=false", accept));
    EXPECT_TRUE(read(client).ends_with(last_chunk)) << accept;
  }
}

TEST_F(StreamEnd, ThatCameTooEarlyHasNoLastChunk) {
  serve(ReadState::ended, {Code::broker_unavailable, "the log cannot be read"});
  for (const char* accept : {"application/x-ndjson", "text/event-stream"}) {
    Client client = connect();
    client.send(request("since=all&follow=false", accept));
    EXPECT_FALSE(read(client).ends_with(last_chunk)) << accept;
  }
}

TEST_F(StreamEnd, OfADrainHasALastChunkForWhoFollowsAlone) {
  for (const bool follows : {true, false}) {
    serve(ReadState::idle);  // not at its end: it waits for more of the history
    Client client = connect();
    client.send(request(follows ? "since=all" : "since=all&follow=false", "application/x-ndjson"));
    const std::string begin = client.read_until("\"e1\"");
    EXPECT_TRUE(listener_->drain(std::chrono::seconds(10)));
    EXPECT_EQ(client.read_to_end().ends_with(last_chunk), follows);
  }
}

}  // namespace
}  // namespace tracking::httpd
