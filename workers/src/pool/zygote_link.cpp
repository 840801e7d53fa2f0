// Starting a zygote from a host with threads: posix_spawn(3) of /proc/self/exe, which is this very image even when the
// file was replaced or deleted since.
#include "zygote_link.hpp"

#include "startup_frame.hpp"

#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <workit/base/detail/process_scheduling.hpp>
#include <workit/base/errors.hpp>
#include <workit/preempt/proof.hpp>

#include "host_modules.hpp"
#include "kill_group.hpp"
#include "own_image.hpp"
#include "worker_descriptors.hpp"

namespace workit::workers {
namespace {

std::string not_started(const std::string& why) { return "a zygote could not be started: " + why; }
std::string with_error(const char* what, int error) {
  return not_started(what + std::string(": ") + std::strerror(error));
}

/// OpenBLAS starts threads before main, and a process with threads is not forked.
std::vector<char*> environment() {
  static char one_blas_thread[] = "OPENBLAS_NUM_THREADS=1";
  std::vector<char*> all;
  bool chosen = false;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
    chosen = chosen || std::string_view(*at).starts_with("OPENBLAS_NUM_THREADS=");
    all.push_back(*at);
  }
  if (!chosen) all.push_back(one_blas_thread);
  all.push_back(nullptr);
  return all;
}

/// Owns the attributes and actions of one posix_spawn.
struct spawn_plan {
  explicit spawn_plan(int socket) {
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    // A session of its own: a terminal's Ctrl-C is the host's business.
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    posix_spawn_file_actions_adddup2(&actions, socket, zygote_socket);  // clears close-on-exec, also onto itself
  }
  ~spawn_plan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  spawn_plan(const spawn_plan&) = delete;
  spawn_plan& operator=(const spawn_plan&) = delete;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
};

}  // namespace

zygote_link::zygote_link(birth with) {
  if (const auto why = why_not_runnable(); !why.empty()) throw start_failed(not_started(why));
  const auto modules = encode_modules();
  const auto start = write_startup_frames(with.preload.arguments, with.worker_init.arguments, modules);
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    throw start_failed(with_error("socketpair", errno));
  socket_ = unique_fd(ends[0]);
  const unique_fd theirs(ends[1]);

  const spawn_plan plan(theirs.get());
  std::string name(zygote_name);
  std::string argument = std::string(zygote_argument) + std::to_string(zygote_socket);
  std::string pool = "pool=" + with.pool, program = std::string("program=") + ::program_invocation_short_name;
  char* const arguments[] = {name.data(), argument.data(), pool.data(), program.data(), nullptr};
  auto variables = environment();
  const int error =
      ::posix_spawn(&pid_, "/proc/self/exe", &plan.actions, &plan.attributes, arguments, variables.data());
  if (error != 0) throw start_failed(not_started(why_not_spawned(error)));
  pidfd_ = unique_fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!pidfd_) {
    const int why = errno;
    ::kill(pid_, SIGKILL);  // it waits for our hello, so the pid is still its
    ::waitpid(pid_, nullptr, 0);
    throw start_failed(with_error("pidfd_open", why));
  }

  if (with.group != nullptr) {  // before it has forked anybody
    try {
      with.group->add(pid_);
    } catch (...) {
      kill();
      static_cast<void>(reap());
      throw;
    }
  }

  message hello{.kind = message_kind::hello,
                .pid = ::getpid(),
                .output = with.output,
                .preload = with.preload.entry,
                .worker_init = with.worker_init.entry,
                .host_life_offset = with.host_life.offset(),
                .preload_size = with.preload.arguments.size(),
                .worker_init_size = with.worker_init.arguments.size(),
                .modules_size = modules.size(),
                .limits = with.limits,
                .max_descriptors = with.max_descriptors,
                .sandbox = with.sandbox};
  hello.text.set(with.pool);
  if (const auto cpus = workit::detail::processors_at_start()) {
    hello.has_cpus = true;
    hello.cpus = *cpus;
  }
  std::vector<int> descriptors = with.loops;
  descriptors.push_back(with.host_life.descriptor());
  descriptors.push_back(start.get());
  if (send(hello, descriptors) != transfer::done) {
    const int why = errno;
    kill();
    static_cast<void>(reap());
    throw start_failed(with_error("it does not listen", why));
  }
  host_life_ = std::move(with.host_life);
}

// Its process group has the programs that its preload has begun; kernels before 6.9 refuse that, and it dies alone. Its
// workers have sessions of their own, and die of its death.
void zygote_link::kill() noexcept {
  kill_group(pidfd_.get());
  static_cast<void>(preempt::send_kill(pidfd_.get()));
}

bool zygote_link::has_exited() const noexcept {
  pollfd exit{pidfd_.get(), POLLIN, 0};
  return ::poll(&exit, 1, 0) > 0;
}

std::string zygote_link::reap() noexcept {
  siginfo_t how{};
  if (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &how, WEXITED | WNOHANG) != 0 || how.si_pid == 0) return {};
  return (how.si_code == CLD_EXITED ? "exited with code " : "died of signal ") + std::to_string(how.si_status);
}

}  // namespace workit::workers
