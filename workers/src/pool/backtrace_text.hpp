// The backtraces of workers, made readable in their host.
#pragma once

#include <string>

namespace workit::workers {

/// Lines of backtrace_symbols(3) from a worker: with the program's own path instead of the name under which it was
/// exec'ed as a zygote, which addr2line(1) needs, and with functions demangled. Errors: std::bad_alloc.
[[nodiscard]] std::string readable_backtrace(std::string lines);

}  // namespace workit::workers
