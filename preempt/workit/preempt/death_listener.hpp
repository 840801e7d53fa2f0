// A thread that hears of the death of the owners of life mutexes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace workit::preempt {

/// Waits for up to 127 life mutexes at once: futex_waitv(2), Linux >= 5.16, takes 128 words and one is its own.
///
/// Its thread starts with the first watch. Threads: any.
/// Lifetime: watches that are left when it ends are dropped without a call.
class death_listener {
 public:
  static constexpr std::size_t capacity = 127;

  death_listener();
  ~death_listener();
  death_listener(const death_listener&) = delete;
  death_listener& operator=(const death_listener&) = delete;

  /// Whether this kernel can wait for several words.
  [[nodiscard]] static bool supported() noexcept;

  /// Calls `died` once, on the listener's thread, when the owner of the life mutex at `word` has died; at once if it is
  /// dead already. An owner that releases the mutex ends the watch without a call.
  /// False, and nothing is watched, when the kernel cannot do it, all 127 places are taken, or the mutex has no owner:
  /// the caller then relies on the pidfd. It should watch the pidfd in any case, since the word can be overwritten.
  /// `watcher` distinguishes several watches of one word; a pair (word, watcher) is watched once at a time.
  /// Requires: `word` is mapped and shared until unwatched; `died` is short, does not throw, and takes no
  /// lock that is ever held while calling the listener.
  [[nodiscard]] bool watch(const std::uint32_t* word, std::function<void()> died, const void* watcher = nullptr);

  /// After it returns, `died` does not run and will not run, and the word is not read. On the listener's own thread
  /// that holds after the current call. A word that is not watched is fine. Blocks: while this `died` runs.
  void unwatch(const std::uint32_t* word, const void* watcher = nullptr) noexcept;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace workit::preempt
