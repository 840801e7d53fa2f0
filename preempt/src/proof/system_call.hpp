// What a system call returned, or an exception that names it.
#pragma once

#include <cerrno>
#include <system_error>

namespace workit::preempt {

/// `result`, unless it is negative. Errors: std::system_error of errno, with `what` in front.
template <class Integer>
Integer checked(Integer result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::system_category(), what);
  return result;
}

}  // namespace workit::preempt
