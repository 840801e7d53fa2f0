// The message of an error that a test expects.
#pragma once

#include <exception>
#include <string>

namespace workit::test {

/// The message of what `act` throws, a std::exception; empty when it throws nothing.
template <class F>
std::string error_of(F&& act) {
  try {
    act();
  } catch (const std::exception& e) {
    return e.what();
  }
  return {};
}

inline std::string what_of(const std::exception_ptr& error) {
  return error_of([&] { std::rethrow_exception(error); });
}

}  // namespace workit::test
