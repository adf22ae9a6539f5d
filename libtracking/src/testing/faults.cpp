#include <tracking/testing.h>

namespace tracking::testing {
namespace {

Status injected(Code code) {
  if (code == Code::ok) return {};
  return {code, "This fault was injected: " + std::string(name(code)) + "."};
}

}  // namespace

void Faults::fail_next(int count, Code code) noexcept {
  fail_count_code_ = code;
  fail_count_ = count;
}

void Faults::release() noexcept {
  is_held_ = false;
  is_held_.notify_all();
}

void Faults::wait_until_released() noexcept { is_held_.wait(true); }

Status Faults::take() noexcept {
  for (int left = fail_count_; left > 0;) {
    if (fail_count_.compare_exchange_weak(left, left - 1)) return injected(fail_count_code_);
  }
  return peek();
}

Status Faults::peek() noexcept { return injected(code_); }

}  // namespace tracking::testing
