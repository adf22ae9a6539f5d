// Status and Result: how set-up calls report failure. The hot path uses a bare Code.
#pragma once

#include <tracking/code.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace tracking {

/// Success, or a code with a message that says what failed, on what, and what to do.
/// Messages never contain a password. A value; safe to copy between threads.
class [[nodiscard]] Status {
 public:
  Status() noexcept = default;
  /// A failure: what failed, on what, and what to do.
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  /// True if nothing failed.
  ///@{
  bool is_ok() const noexcept { return code_ == Code::ok; }
  explicit operator bool() const noexcept { return is_ok(); }
  ///@}
  /// What kind of failure; ok if there is none.
  Code code() const noexcept { return code_; }
  /// For people; empty if nothing failed.
  const std::string& message() const noexcept { return message_; }

  /// Says at the call that this failure is dropped on purpose.
  void ignore() const noexcept {}

 private:
  Code code_ = Code::ok;
  std::string message_;
};

/// Thrown by Result::value() in the caller's own code; the library throws nothing across its boundary.
class TRACKING_EXPORT Error : public std::runtime_error {
 public:
  /// Of a failure.
  explicit Error(const Status& status) : std::runtime_error(status.message()), code_(status.code()) {}
  ~Error() override;
  Error(const Error&) = default;
  Error& operator=(const Error&) = default;
  /// What kind of failure; ok if there is none.
  Code code() const noexcept { return code_; }

 private:
  Code code_;
};

/// A T, or the Status that says why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  /// A value.
  Result(T value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  /// Why there is none; precondition: a failure.
  ///@{
  Result(Status status) : status_(std::move(status)) {}  // NOLINT(google-explicit-constructor)
  Result(Code code, std::string message) : status_(code, std::move(message)) {}
  ///@}

  /// True if there is a value.
  ///@{
  bool is_ok() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return is_ok(); }
  ///@}

  /// The value; throws tracking::Error if there is none.
  ///@{
  T& value() & { return check(), *value_; }
  const T& value() const& { return check(), *value_; }
  T value() && { return check(), std::move(*value_); }
  ///@}

  /// Precondition: is_ok().
  ///@{
  T& operator*() & noexcept { return *value_; }
  const T& operator*() const& noexcept { return *value_; }
  T&& operator*() && noexcept { return std::move(*value_); }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }
  ///@}

  /// Why there is no value; an ok Status if there is one.
  const Status& error() const noexcept { return status_; }
  /// The code of error().
  Code code() const noexcept { return status_.code(); }

 private:
  void check() const {
    if (!value_) throw Error(status_);
  }

  std::optional<T> value_;
  Status status_;
};

}  // namespace tracking
