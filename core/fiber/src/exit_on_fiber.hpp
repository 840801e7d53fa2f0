// exit_on_fiber: exit() on a thread that drives a loop.
#pragma once

namespace workit::detail {

/// Boost.Fiber's thread_local waits, in its destructor, until every fiber of the thread has ended. A fiber that calls
/// exit() never ends, and neither does the handler or timer that does. This puts an idle scheduler in the place of the
/// thread's own, which stays as it is, with all its fibers; that destructor then ends the idle one.
/// Threads: one that drives a loop, on any of its stacks, before that destructor runs.
void put_idle_scheduler();

}  // namespace workit::detail
