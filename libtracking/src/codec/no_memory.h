// What becomes of a call that must not throw, and of a thread's step, when there is no memory.
#pragma once

#include <tracking/status.h>

#include <exception>
#include <utility>

namespace tracking {

/// A failure that needs no memory itself: its text is short enough to be kept in place.
inline Status no_memory(Code code) noexcept { return {code, "no memory"}; }

/// What the call gives, or that failure if an allocation fails in it. What the call took on its way, it gives back by
/// its destructors.
template <class Call>
auto unless_no_memory(Code code, Call&& call) noexcept -> decltype(call()) {
  try {
    return std::forward<Call>(call)();
  } catch (const std::exception&) {  // std::bad_alloc, or std::system_error: no thread was to be had
    return no_memory(code);
  }
}

/// Whether the step came to its end: a thread tries it again after a pause, or goes on without it.
template <class Step>
bool has_memory_for(Step&& step) noexcept {
  try {
    std::forward<Step>(step)();
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

/// The same for a step whose next turn is far away: a lack that was of a moment does not hold it up.
template <class Step>
bool has_memory_soon_for(Step&& step) noexcept {
  return has_memory_for(step) || has_memory_for(step);
}

/// Says to the log what `text` makes; nothing if there is no memory for it.
template <class Log, class Level, class Text>
void say(const Log& log, Level level, Text&& text) noexcept {
  if (log) has_memory_for([&] { log(level, std::forward<Text>(text)()); });
}

}  // namespace tracking
