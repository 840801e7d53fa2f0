// hooks: what the hooks of a work() are told about an item.
#pragma once

#include <workit/scope/detail/task_state.hpp>

namespace workit {

/// What a body said with context::report. Lifetime: of the call.
template <class T>
struct item_progress {
  std::size_t index = 0;        ///< the item's place in the source, from 0
  const T& item;                ///< as the stages have left it
  work_id task = 0;             ///< the item's task
  const event::progress& said;  ///< what was left out is absent
};

/// How an item ended. Lifetime: of the call.
template <class T, class O>
struct item_done {
  std::size_t index = 0;                              ///< the item's place in the source, from 0
  const T& item;                                      ///< as the stages have left it
  work_id task = 0;                                   ///< the item's task
  task_status how;                                    ///< succeeded, failed or cancelled
  const std::remove_reference_t<O>* value = nullptr;  ///< null unless it succeeded, and for a function without a value
  const std::exception_ptr& error;                    ///< null unless it failed
  const cancel_reason* why = nullptr;                 ///< null unless cancelled; manual{"filtered"} when a filter did
  std::size_t attempts = 0;                           ///< that have begun
};

}  // namespace workit
