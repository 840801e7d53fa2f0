// The host's end of what a worker's tasks write to standard output and error.
#pragma once

#include <cstdint>
#include <string>
#include <workit/base/thread_mutex.hpp>
#include <workit/base/unique_fd.hpp>
#include <workit/base/worker_errors.hpp>

namespace workit::workers {

/// How much of a task's output is kept.
inline constexpr std::size_t most_output = 64 * 1024;

/// One worker's pipe, and the last bytes that came through it. The task shares nothing but the pipe with the host.
/// Threads: any.
class captured_output {
 public:
  /// Errors: start_failed.
  captured_output();

  /// To be watched for reading.
  [[nodiscard]] int descriptor() const noexcept { return ours_.get(); }
  /// The worker's end, for the zygote; close_far_end() once it is sent.
  [[nodiscard]] int far_end() const noexcept { return theirs_.get(); }
  void close_far_end() noexcept { theirs_.reset(); }

  /// Takes in what is there. False once no process has the other end open. Blocks: no.
  bool drain() noexcept;
  /// drain(), and hands over what has come since the last time. Blocks: no.
  void take(worker_usage& to) noexcept;

 private:
  void keep(const char* part, std::size_t size) noexcept WORKIT_REQUIRES(mutex_);
  void cut() noexcept WORKIT_REQUIRES(mutex_);

  unique_fd ours_;
  unique_fd theirs_;
  thread_mutex mutex_;
  std::string last_ WORKIT_GUARDED_BY(mutex_);  // up to twice as much as is kept
  std::uint64_t dropped_ WORKIT_GUARDED_BY(mutex_) = 0;
};

}  // namespace workit::workers
