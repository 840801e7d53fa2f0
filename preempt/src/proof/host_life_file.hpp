// The life mutexes of this process, in a file that other processes can map but not change.
//
// Invariants
// 1. One thread holds all mutexes from hold() to release(): the thread whose life it is.
// 2. Only this process writes to the file: it is sealed as soon as this process has mapped it.
// 3. `taken_` says which mutexes have a place that is kept.
// Lock order: one mutex, held across no call.
#pragma once

#include <bitset>
#include <memory>
#include <workit/base/thread_mutex.hpp>
#include <workit/base/unique_fd.hpp>
#include <workit/preempt/host_life.hpp>

namespace workit::preempt {

class host_life_file : public std::enable_shared_from_this<host_life_file> {
 public:
  /// As many processes can wait for this one's death. The kernel looks at no more than 2048 mutexes of a thread
  /// (kernel/futex: ROBUST_LIST_LIMIT).
  static constexpr std::size_t places = 256;
  /// A cache line each.
  static constexpr std::size_t stride = 64;

  /// Errors: std::system_error when memory or descriptors have run out.
  [[nodiscard]] static std::shared_ptr<host_life_file> make();
  ~host_life_file();
  host_life_file(const host_life_file&) = delete;
  host_life_file& operator=(const host_life_file&) = delete;

  /// Takes all mutexes for the calling thread. Blocks: no.
  void hold();
  /// Releases them, at a clean end. Requires: the thread that holds them.
  void release();

  /// Threads: any. Blocks: no. Errors: std::system_error (EUSERS) when all places are taken.
  [[nodiscard]] host_life_place take();

  [[nodiscard]] int descriptor() const noexcept { return file_.get(); }

 private:
  friend class host_life_place;

  host_life_file();
  [[nodiscard]] life_mutex& at(std::size_t index) const noexcept;
  void give_back(std::size_t index) noexcept;

  unique_fd file_;
  std::byte* memory_ = nullptr;
  thread_mutex mutex_;
  std::bitset<places> taken_ WORKIT_GUARDED_BY(mutex_);
};

}  // namespace workit::preempt
