// The host's end of one zygote: the process, its pidfd, the socket.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>
#include <workit/base/unique_fd.hpp>
#include <workit/preempt/host_life.hpp>
#include <workit/workers/cgroup.hpp>
#include <workit/workers/detail/remote_call.hpp>
#include <workit/workers/process_options.hpp>

#include "messages.hpp"

namespace workit::workers {

/// External synchronisation: the pool's mutex. Lifetime: descriptors close with it; the process is not waited for.
class zygote_link {
 public:
  /// What a zygote is started with.
  struct birth {
    std::string pool;
    remote_call preload{};      ///< without an entry: none
    remote_call worker_init{};  ///< without an entry: none
    worker_output output = worker_output::inherit;
    std::vector<int> loops{};  ///< the loops' wake pipes; with worker_init, followed by the pool's
    preempt::host_life_place host_life{};
    limit_values limits{};
    unsigned max_descriptors = 0;
    workit::sandbox sandbox{};
    pool_cgroup* group = nullptr;  ///< where it belongs
  };

  /// Runs this program's image as a zygote and says hello; its `ready` or `failed` comes later. The process may have
  /// threads: nothing but exec happens in the child. Blocks: until the exec, about a millisecond. Errors: start_failed.
  explicit zygote_link(birth with);
  /// A zygote that runs already.
  zygote_link(unique_fd socket, unique_fd pidfd, pid_t pid) noexcept
      : socket_(std::move(socket)), pidfd_(std::move(pidfd)), pid_(pid) {}
  zygote_link(const zygote_link&) = delete;
  zygote_link& operator=(const zygote_link&) = delete;

  [[nodiscard]] int socket() const noexcept { return socket_.get(); }
  [[nodiscard]] int pidfd() const noexcept { return pidfd_.get(); }
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  [[nodiscard]] transfer send(const message& m, std::span<const int> descriptors = {}) noexcept {
    return workers::send(socket_.get(), m, descriptors);
  }
  [[nodiscard]] transfer receive(message& m, std::vector<unique_fd>& descriptors) noexcept {
    return workers::receive(socket_.get(), m, descriptors);
  }

  /// Whether the process is dead; reaped or not. Blocks: no.
  [[nodiscard]] bool has_exited() const noexcept;
  /// Takes the exit status, unless other code of the host has (SIGCHLD ignored, waitpid(-1)). Blocks: no.
  /// A phrase, as in "died of signal 9"; empty when that is not known.
  [[nodiscard]] std::string reap() noexcept;
  /// With the programs that it has begun in its session.
  void kill() noexcept;

 private:
  unique_fd socket_;
  unique_fd pidfd_;
  pid_t pid_ = -1;
  preempt::host_life_place host_life_;  // where its host watcher waits
};

}  // namespace workit::workers
