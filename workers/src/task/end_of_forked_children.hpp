// Ends the children that a task has forked and that come back from it.
#pragma once

#include <unistd.h>

#include <cstdlib>

namespace workit::workers {

/// Stands around a call of a task. A forked child that returns from the call, or leaves it by an exception, would go on
/// as if it were the process it is a copy of: it ends here, by _exit(0).
class [[nodiscard]] end_of_forked_children {
 public:
  end_of_forked_children() noexcept = default;
  ~end_of_forked_children() {
    if (::getpid() != here_) ::_exit(EXIT_SUCCESS);
  }
  end_of_forked_children(const end_of_forked_children&) = delete;
  end_of_forked_children& operator=(const end_of_forked_children&) = delete;

 private:
  const pid_t here_ = ::getpid();
};

}  // namespace workit::workers
