#include "nats/message.h"

#include <array>
#include <cstddef>

namespace tracking::nats_io {
namespace {

class Bin {
 public:
  Bin() = default;
  ~Bin() { empty(); }
  Bin(const Bin&) = delete;
  Bin& operator=(const Bin&) = delete;

  void put(natsMsg* message) noexcept {
    bytes_ += static_cast<std::size_t>(natsMsg_GetDataLength(message));
    messages_[count_++] = message;
    if (count_ == messages_.size() || bytes_ > bytes_max) empty();
  }

 private:
  static constexpr std::size_t bytes_max = 64 << 10;

  void empty() noexcept {
    for (std::size_t i = 0; i < count_; ++i) natsMsg_Destroy(messages_[i]);
    count_ = bytes_ = 0;
  }

  std::array<natsMsg*, 128> messages_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

void let_go(natsMsg* message) noexcept {
  thread_local Bin bin;
  bin.put(message);
}

}  // namespace tracking::nats_io
