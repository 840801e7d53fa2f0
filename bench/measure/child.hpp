// Processes of the measuring program itself , each with one role: workit is measured against what they do without it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <workit/base/unique_fd.hpp>

namespace workit::bench {

/// What a measuring process shares with what it measures. All zero at first.
struct shared_page {
  std::atomic<std::uint32_t> ready{0};  ///< the other side runs and holds its memory
  std::atomic<std::uint32_t> call{0};   ///< a futex of the measuring side
  std::atomic<std::uint32_t> answer{0};
  std::atomic<std::int64_t> stamp{0};  ///< steady_clock in nanoseconds: the other side's last
};

/// A page of shared memory that other processes can find. Lifetime: of the object.
class page_owner {
 public:
  page_owner();
  ~page_owner();
  page_owner(const page_owner&) = delete;
  page_owner& operator=(const page_owner&) = delete;
  [[nodiscard]] shared_page* operator->() const noexcept { return page_; }
  /// A path by which other processes of the same user can open it.
  [[nodiscard]] std::string path() const;

 private:
  unique_fd memory_;
  shared_page* page_ = nullptr;
};

/// Maps the page behind that path. Errors: std::system_error.
[[nodiscard]] shared_page* open_page(const std::string& path);

/// The second line of main(), behind workit::init(): in a process that child has started, runs its role and never
/// returns; in others, returns at once.
void run_child_role(int argc, char** argv);

/// The roles.
enum class role {
  spin,          ///< holds its memory, says that it is ready, and spins
  spin_on_call,  ///< as spin, once the futex `call` was raised: many can fill their memory without spinning meanwhile
  wake,          ///< waits on the futex `call` and stamps the moment when it is woken
  echo,          ///< waits on the futex `call` and answers each by waking `answer`
  drain,         ///< receives as many KiB as it is given `memory` from its socket into a new vector, and sends a byte
};

/// A process in a role; it dies with the thread that made it. Made by posix_spawn(3), so safely beside other threads.
class child {
 public:
  /// Blocks: until it is ready. Errors: std::system_error.
  /// `memory`: in MiB; `socket`: what it inherits as its descriptor 3.
  explicit child(role what, int memory = 0, int socket = -1);
  /// Kills it, if need be, and reaps it.
  ~child();
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  [[nodiscard]] pid_t id() const noexcept { return id_; }
  [[nodiscard]] shared_page* operator->() const noexcept { return page_.operator->(); }
  /// Waits until it has ended and takes its place in the process table back.
  void reap() noexcept;

 private:
  page_owner page_;
  pid_t id_ = 0;
};

/// Allocates `mib` MiB of small pages and writes to each; they stay until the process ends.
void hold_memory(std::uint64_t mib);

void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t while_it_is) noexcept;
void futex_wake(std::atomic<std::uint32_t>& word) noexcept;

}  // namespace workit::bench
