// How another process learns at once that this one has died.
#pragma once

#include <cstddef>
#include <memory>
#include <workit/preempt/life_mutex.hpp>

namespace workit::preempt {

class host_life_file;

/// A life mutex of this process, for one other process to wait for. The kernel wakes one waiter of a mutex whose owner
/// has died: two that shared one would hear of the death one after the other, and the second never if the first was
/// killed meanwhile.
/// Threads: as an int. Lifetime: keeps the file; independent of the warden that gave it.
class host_life_place {
 public:
  /// No place.
  host_life_place() noexcept = default;
  host_life_place(host_life_place&&) noexcept = default;
  host_life_place& operator=(host_life_place&&) noexcept;
  /// Gives it back. A process that still waits hears of the death all the same, after that of the place's next user.
  ~host_life_place();

  /// A memfd, close-on-exec. It is sealed: no other process can write to it, map it writable, or change its size.
  [[nodiscard]] int descriptor() const noexcept;
  /// Where the mutex begins in it, in bytes.
  [[nodiscard]] std::size_t offset() const noexcept;

 private:
  friend class host_life_file;
  host_life_place(std::shared_ptr<host_life_file> file, std::size_t index) noexcept;

  std::shared_ptr<host_life_file> file_;
  std::size_t index_ = 0;
};

/// The other process's sight of such a mutex, mapped read-only. Lifetime: independent of the descriptor.
class host_life_view {
 public:
  /// Maps it; `mutex()` is null, and errno set, when that failed.
  host_life_view(int descriptor, std::size_t offset) noexcept;
  ~host_life_view();
  host_life_view(const host_life_view&) = delete;
  host_life_view& operator=(const host_life_view&) = delete;

  [[nodiscard]] const life_mutex* mutex() const noexcept { return mutex_; }

 private:
  void* page_ = nullptr;
  const life_mutex* mutex_ = nullptr;
};

}  // namespace workit::preempt
