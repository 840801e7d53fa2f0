// A zygote as its pool sees it, and the workers that come from it.
#pragma once

#include <memory>
#include <string>
#include <vector>
#include <workit/base/deadline_point.hpp>

#include "zygote_link.hpp"

namespace workit::workers {

class worker_handle;

/// Each worker knows its group, so one whose group was replaced is not given another task. External synchronisation:
/// the pool's mutex.
struct zygote_group {
  std::unique_ptr<zygote_link> link;  ///< null once the zygote is dead
  bool watched = false;               ///< both of its descriptors are: until then its messages are not read
  bool begun = false;                 ///< it has come as far as workit::init: preload is next
  bool ready = false;                 ///< its preload is done
  deadline_point ready_by{};          ///< else it is given up
  bool serves = false;                ///< it is, or was, the one that tasks are given to
  bool dismissed = false;             ///< told to end
  bool cleared = false;               ///< its zygote is dead, and all that was done about it
  bool asked = false;                 ///< whether it is still there; it has said nothing since
  unsigned silent = 0;                ///< for how many pulses it has been
  bool hung = false;                  ///< it was given up for that: it ends with the last of its running tasks
  std::string failure;                ///< a sentence: why it never will serve

  std::size_t starting = 0;                          ///< workers asked for, or in worker_init
  std::vector<std::shared_ptr<worker_handle>> idle;  ///< parked; last in, first out: the warmest first
  std::size_t busy = 0;                              ///< workers with a task

  [[nodiscard]] std::size_t alive() const noexcept { return starting + idle.size() + busy; }
  [[nodiscard]] bool is_over() const noexcept { return cleared && alive() == 0; }
  /// Tells the zygote to end with all its workers. One that is not ready has none, may be in preload, and hears
  /// nothing.
  void dismiss() noexcept {
    if (!link || dismissed) return;
    dismissed = true;
    if (hung || !ready || link->send({.kind = message_kind::quit}) != transfer::done) link->kill();
  }
};

}  // namespace workit::workers
