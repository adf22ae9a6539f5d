#include <tracking/completion_burst.h>

#include <utility>

namespace tracking {
namespace {

struct Bursts {
  int depth = 0;
  CompletionBurst::Deferred* first = nullptr;
  CompletionBurst::Deferred* last = nullptr;
};
constinit thread_local Bursts bursts;

}  // namespace

CompletionBurst::Deferred::~Deferred() = default;

CompletionBurst::CompletionBurst() noexcept { ++bursts.depth; }

CompletionBurst::~CompletionBurst() {
  if (--bursts.depth > 0) return;
  bursts.last = nullptr;
  for (Deferred* next = std::exchange(bursts.first, nullptr); next;) {
    Deferred& deferred = *std::exchange(next, next->next_);
    deferred.run();  // from here on it may be gone, or be put off by another thread
  }
}

bool CompletionBurst::defer(Deferred& deferred) noexcept {
  if (bursts.depth == 0) return false;
  deferred.next_ = nullptr;
  (bursts.first ? bursts.last->next_ : bursts.first) = &deferred;
  bursts.last = &deferred;
  return true;
}

}  // namespace tracking
