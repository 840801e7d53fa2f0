// The life mutex of this process, in a file that other processes can map.
#pragma once

#include <workit/base/unique_fd.hpp>
#include <workit/preempt/life_mutex.hpp>

namespace workit::preempt {

/// Lifetime: a process that has mapped the descriptor keeps the memory, and the mutex in it, beyond this object.
class host_life_file {
 public:
  /// Errors: std::system_error when memory or descriptors have run out.
  host_life_file();
  ~host_life_file();
  host_life_file(const host_life_file&) = delete;
  host_life_file& operator=(const host_life_file&) = delete;

  /// A memfd, close-on-exec, whose first bytes are the mutex.
  [[nodiscard]] int descriptor() const noexcept { return file_.get(); }
  [[nodiscard]] life_mutex& mutex() noexcept { return *mutex_; }

 private:
  unique_fd file_;
  life_mutex* mutex_ = nullptr;
};

}  // namespace workit::preempt
