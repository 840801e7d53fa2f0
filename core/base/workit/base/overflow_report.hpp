// overflow_report: whether a stack that overflows says whose it is before the process ends.
#pragma once

#include <cstdint>

namespace workit {

/// The stacks on which a runtime runs work have guards below them. A task that runs over one ends its process by
/// SIGSEGV; with a handler for that signal, standard error then says which task it was, in which scope, and what to do.
/// The handler runs on a stack of its own, leaves every other fault to the handler before it, and ends the process by
/// the signal all the same.
enum class overflow_report : std::uint8_t {
  /// Where SIGSEGV has its default action, so that crash reporters and sanitizers keep their handlers.
  if_default,
  /// In front of whatever handler there is, which then gets the signal, too.
  always,
  never,
};

}  // namespace workit
