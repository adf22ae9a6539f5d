// What crosses from C++ into C: codes, texts of errors, and no exception.
#pragma once

#include <tracking/c.h>
#include <tracking/status.h>

#include <exception>
#include <new>
#include <string_view>

namespace tracking::c {

inline tracking_code to_c(Code code) noexcept { return static_cast<tracking_code>(code); }

/// A borrowed text; nullptr is an empty one.
inline std::string_view view(const char* bytes, std::size_t size) noexcept {
  return bytes ? std::string_view(bytes, size) : std::string_view();
}

/// Fills the caller's error, if there is one, and returns the code.
tracking_code fail(tracking_error* error, Code code, std::string_view text) noexcept;

inline tracking_code fail(tracking_error* error, const Status& status) noexcept {
  return fail(error, status.code(), status.message());
}

/// Runs a function of the interface: what is thrown in it becomes a code.
template <class Function>
tracking_code guarded(tracking_error* error, Function&& function) noexcept try {
  return function();
} catch (const std::bad_alloc&) {
  return fail(error, Code::overloaded, "there is no memory for this");
} catch (const std::exception& mistake) {
  return fail(error, Code::internal, mistake.what());
} catch (...) {
  return fail(error, Code::internal, "something that is no std::exception was thrown");
}

}  // namespace tracking::c
