// Subscribing at a distance: goes on behind the cursor that it saved, and is told what was missed.
// usage: subscribe_http [CURSOR_FILE]
#include <tracking/http.h>

#include <cstdlib>
#include <fstream>
#include <iostream>

namespace {

std::string file = "subscribe_http.cursor";

std::string load() {
  std::string cursor;
  std::ifstream(file) >> cursor;
  return cursor;
}
void save(const std::string& cursor) { std::ofstream(file) << cursor << '\n'; }
void warn(const std::string& reason, std::optional<std::uint64_t> missed) {
  std::cerr << "missed " << (missed ? std::to_string(*missed) : "some") << " events: " << reason << '\n';
}
void use(tracking::AccountId account_id, std::string_view data) {
  std::cout << account_id << "  " << data << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) file = argv[1];
  const std::string saved = load();
  // clang-format off
  auto subscriber = tracking::Subscriber::open("http://127.0.0.1:8080", {.account_ids = {1, 3}, .since = saved}, {tracking::http()}).value();
  // clang-format on
  while (auto delivery = subscriber->next()) {
    if (auto* gap = delivery->gap()) warn(gap->reason, gap->missed);
    if (auto* event = delivery->event()) use(event->account_id, event->data);
    save(delivery->cursor());
  }
  const auto status = subscriber->status();
  std::cerr << status.message() << '\n';
  return status ? EXIT_SUCCESS : EXIT_FAILURE;
}
