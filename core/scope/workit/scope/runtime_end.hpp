// How a runtime has ended, and how a program ends after it.
#pragma once

#include <string>
#include <vector>

namespace workit {

/// What runtime::shutdown() returns.
struct runtime_end {
  /// Work that could not be ended and runs on now, a sentence for each: tasks at boundary::thread whose stop was
  /// refused.
  std::vector<std::string> running_on{};
};

/// The last line of a main: `return workit::leave(rt.shutdown(), 0);`. Returns `code` where nothing runs on. Else it
/// writes out stdio and leaves the process with that code by _exit(2): exit(3) and a return from main run destructors
/// of libraries and static objects, beside work that uses them still; one may wait for that work for ever, as
/// OpenBLAS's does, or pull the memory from under it. Handlers of atexit(3) do not run then. Threads: main's. Errors:
/// none.
[[nodiscard("main returns it")]] int leave(const runtime_end& end, int code) noexcept;

}  // namespace workit
