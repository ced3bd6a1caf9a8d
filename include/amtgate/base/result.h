// Result<T>: a value, or an Error that says what, where and the offending value (never a secret).
//
// Spelled as std::expected, which neither of our compilers has in C++20; it becomes an alias one day.
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace amtgate {

enum class Errc {
  BadValue,     // bytes or text that are wrong
  TooLarge,     // a length or count over its named limit
  Unsupported,  // well formed, but not something we do
  AuthFailed,   // credentials refused
  Untrusted,    // a certificate that may not be trusted
  Refused,      // the other side (or policy) said no
  Busy,         // the one session of that kind is taken
  Unreachable,  // no route, no listener, no such name
  Timeout,      // a deadline passed
  Closed,       // the other side closed in the middle
  System,       // the operating system said no
};

/// Stable lower-case word for logs and metrics, e.g. "auth_failed".
const char* name(Errc code);

struct Error {
  Errc code;
  std::string detail;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  T& operator*() { return std::get<0>(state_); }
  const T& operator*() const { return std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  T& value() { return std::get<0>(state_); }
  const T& value() const { return std::get<0>(state_); }
  Error& error() { return std::get<1>(state_); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }
  Error& error() {
    assert(error_);
    return *error_;
  }
  const Error& error() const {
    assert(error_);
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace amtgate
