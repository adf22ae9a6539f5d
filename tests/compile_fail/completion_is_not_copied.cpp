// error: (use of deleted function|call to (deleted|implicitly-deleted))
#include <tracking/broker.h>

#include <utility>

void answer_later(tracking::Completion done) {
#ifdef MISUSE
  tracking::Completion another = done;
#else
  tracking::Completion another = std::move(done);
#endif
  another.all(tracking::AckLevel::sent);
}
