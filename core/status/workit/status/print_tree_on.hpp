// print_tree_on: the trees of a process on a signal, for a person at a terminal.
#pragma once

#include <unistd.h>

#include <csignal>
#include <memory>
#include <workit/base/service.hpp>
#include <workit/status/render_tree.hpp>

namespace workit {

struct print_tree_options {
  int descriptor = STDERR_FILENO;  ///< where to; stays the caller's
  tree_options tree{};
  /// How long to wait for I/O threads that are held: long enough for a busy machine, short for a person.
  time_span patience = std::chrono::seconds(1);
};

/// The trees of all runtimes of this process as text. An I/O thread that does not answer within `patience` is named,
/// with the task that holds it and its stack. For debuggers and watchdogs, too.
/// Blocks: the thread, up to `patience` and 100 ms for each silent thread, also on a loop. Threads: any.
[[nodiscard]] std::string process_tree(time_span patience = std::chrono::seconds(1), const tree_options& options = {});

/// A service that prints process_tree() whenever the process gets `signal`:
/// `workit::runtime rt({}, workit::print_tree_on(SIGQUIT));`. The signal's former disposition comes back with the end
/// of the runtime. The handler does nothing but write(2) to an eventfd, which is async-signal-safe; a small thread of
/// the service's own does the rest, so that a held I/O thread cannot keep it from printing.
/// Errors: the runtime's constructor throws start_failed when the signal is taken by another such service; this
/// function std::invalid_argument for a signal that cannot be caught, or whose handler may not return.
[[nodiscard]] std::unique_ptr<service> print_tree_on(int signal, print_tree_options options = {});

}  // namespace workit
