// What operator new has given and operator delete has not got back yet.
#pragma once

#include <cstddef>

namespace workit::test {

/// Live blocks of this program, of all threads. A program that calls this has its operators new and delete replaced by
/// those that count; a sanitizer's stay as they are, and the answer is always 0: LeakSanitizer looks there.
[[nodiscard]] std::ptrdiff_t live_allocations() noexcept;

}  // namespace workit::test
