// The zygote: one thread, one socket to the host, one loop.
//
// Invariants
// 1. It forks only while it has one thread: locks of other threads would stay locked in the child.
// 2. It ends when the host does, by the first notice of three: the host watcher's signal, the end of the socket, or the
//    host's pidfd. It never ends before its workers and their orphans.
// 3. No PDEATHSIG: it would fire when the host's *thread* that started us ends.
#include "zygote.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <iterator>
#include <utility>
#include <workit/preempt/host_life.hpp>
#include <workit/workers/detail/oom_guess.hpp>

#include "child_reaper.hpp"
#include "command_line.hpp"
#include "exception_info.hpp"
#include "fork_safety.hpp"
#include "host_modules.hpp"
#include "host_watcher.hpp"
#include "messages.hpp"
#include "process_setup.hpp"
#include "sandbox_filter.hpp"
#include "startup_frame.hpp"
#include "task_limits.hpp"
#include "violation_watch.hpp"
#include "worker_descriptors.hpp"
#include "worker_fork.hpp"

namespace workit::workers {
namespace {

class zygote {
 public:
  zygote()
      : children_([this](std::uint32_t worker, int status, const rusage& used) { report(worker, status, used); },
                  [this](std::uint32_t worker) { send_to_host({.kind = message_kind::reclaimed, .worker = worker}); }) {
  }

  [[noreturn]] void run() {
    send_to_host({.kind = message_kind::begun});
    receive_hello();
    watch_host();
    look_for_sandbox();
    refuse_replaced_modules();
    preload();
    refuse_replaced_modules();
    watch_signals();
    send_to_host({.kind = message_kind::ready, .pid = ::getpid()});
    for (;;) turn();
  }

 private:
  /// Ends all children first. `silently`: does not report them; a dying host may not read for long.
  [[noreturn]] void end(bool silently) {
    ended_ = true;
    silent_ = silently;
    children_.end();
    ::_exit(0);
  }

  [[noreturn]] void fail(const std::string& sentence) {
    message m{.kind = message_kind::failed};
    m.text.set(sentence);
    send_to_host(m);
    end(true);
  }

  /// Waits for room in the socket, but not for a dead host.
  void send_to_host(const message& m, std::span<const int> descriptors = {}) {
    while (!silent_) {
      switch (send(zygote_socket, m, descriptors)) {
        case transfer::done:
          return;
        case transfer::closed:
          return host_is_gone();
        case transfer::again:
          break;
      }
      pollfd wanted[] = {{zygote_socket, POLLOUT, 0}, {signals_.get(), POLLIN, 0}};
      ::poll(wanted, 2, -1);
      if (wanted[1].revents != 0) take_signals();
    }
  }

  void host_is_gone() {
    silent_ = true;
    if (!ended_) end(true);
  }

  void receive_hello() {
    pollfd wanted{zygote_socket, POLLIN, 0};
    std::vector<unique_fd> descriptors;
    message m;
    transfer got = transfer::again;
    while (got == transfer::again) {
      ::poll(&wanted, 1, -1);
      got = receive(zygote_socket, m, descriptors);
    }
    if (got == transfer::closed || m.kind != message_kind::hello || descriptors.empty())
      fail("the zygote could not receive what it starts with: are there descriptors left for it (ulimit -n)?");
    preload_ = m.preload;
    worker_init_ = m.worker_init;
    output_ = m.output;
    host_ = m.pid;
    limits_ = m.limits;
    max_descriptors_ = m.max_descriptors;
    sandbox_ = m.sandbox;
    take_start(m, descriptors);
    if (descriptors.empty()) fail("the zygote could not receive the host's life: are there descriptors left for it?");
    // All descriptors above 3 were closed, so these arrive in order at their places, and stay open.
    loop_events_.assign(std::move_iterator(descriptors.begin()), std::move_iterator(descriptors.end() - 1));
    if (!loop_events_.empty() &&
        loop_events_.back().get() != first_loop_event + static_cast<int>(loop_events_.size()) - 1)
      fail("the zygote found descriptors open that it had closed: does a library open some in another thread?");
    host_life_ = std::move(descriptors.back());
    host_life_offset_ = m.host_life_offset;
    reset_scheduling(host_, m.has_cpus ? std::optional(m.cpus) : std::nullopt);
  }

  /// The frames of the start, whose memfd is the last of the descriptors.
  void take_start(const message& hello, std::vector<unique_fd>& descriptors) {
    const auto file = std::move(descriptors.back());
    descriptors.pop_back();
    const auto behind = hello.preload_size + hello.worker_init_size;
    if (!read_startup_frame(file.get(), 0, hello.preload_size, preload_arguments_) ||
        !read_startup_frame(file.get(), hello.preload_size, hello.worker_init_size, worker_init_arguments_) ||
        !read_startup_frame(file.get(), behind, hello.modules_size, host_modules_))
      fail("the zygote could not read the arguments of preload and worker_init");
  }

  void watch_host() {
    refuse_threads(threads_from::before_init);
    const preempt::host_life_view life(std::exchange(host_life_, {}).get(), host_life_offset_);
    if (life.mutex() == nullptr) fail("the zygote could not map its host's life: " + std::string(::strerror(errno)));
    const pid_t host_watcher = start_host_watcher(*life.mutex());
    if (host_watcher < 0) fail("the zygote could not fork its host watcher: " + std::string(::strerror(errno)));
    children_.set_host_watcher(host_watcher);
    host_pidfd_ = open_pidfd(host_);
    if (::getppid() != host_) end(true);
  }

  /// Here rather than in each worker, which could not report it.
  void look_for_sandbox() {
    if (limits_.processes == 0)
      if (const auto missing = missing_for_no_children(); !missing.empty())
        fail("limits.processes = 0 cannot be kept: " + missing);
    if (sandbox_ == sandbox::none) return;
    if (const auto missing = missing_for_sandbox(); !missing.empty())
      fail("sandbox::compute_only cannot be had: " + missing);
  }

  void preload() {
    if (!preload_) return;
    try {
      make_startup_call(preload_, std::exchange(preload_arguments_, {}));
    } catch (const unknown_function& unknown) {
      fail(unknown.what());
    } catch (...) {
      fail("preload threw " + sentence_of_current_exception());
    }
    std::fflush(nullptr);  // or every worker would write the buffered output again
    refuse_threads(threads_from::preload);
  }

  void refuse_replaced_modules() {
    try {
      if (const auto why = replaced_module(host_modules_)) fail(*why);
    } catch (const std::exception& e) {
      fail(e.what());
    }
  }

  void refuse_threads(threads_from where) {
    if (const auto why = why_unforkable(where)) fail(*why);
  }

  void watch_signals() {
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, host_death_signal());
    sigprocmask(SIG_SETMASK, &wanted, nullptr);
    oom_sources_ = oom_sources::find();
    oom_counts_ = read_oom_counts(oom_sources_);
    static_cast<void>(end_of_stack());  // for the workers
    signals_ = unique_fd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
    children_.reap();  // what ended before
  }

  void take_signals() {
    signalfd_siginfo s{};
    while (::read(signals_.get(), &s, sizeof s) == sizeof s)
      if (s.ssi_signo == static_cast<unsigned>(host_death_signal())) host_is_gone();
    if (!ended_) children_.reap();
  }

  void turn() {
    std::vector<pollfd> wanted = {
        {zygote_socket, POLLIN, 0}, {signals_.get(), POLLIN, 0}, {host_pidfd_.get(), POLLIN, 0}};
    violations_.append_to(wanted);
    if (::poll(wanted.data(), wanted.size(), -1) < 0) return;
    if (wanted[2].revents != 0) host_is_gone();
    violations_.take(wanted, [this](std::uint32_t worker, int call) { violated(worker, call); });
    if (wanted[1].revents != 0) take_signals();
    if (wanted[0].revents != 0) take_message();
  }

  void take_message() {
    std::vector<unique_fd> descriptors;
    message m;
    switch (receive(zygote_socket, m, descriptors)) {
      case transfer::again:
        return;
      case transfer::closed:
        return host_is_gone();
      case transfer::done:
        break;
    }
    switch (m.kind) {
      case message_kind::fork:
        return answer_fork(m.worker, descriptors);
      case message_kind::kill:
        return children_.kill_worker(m.worker);
      case message_kind::ping:
        return send_to_host({.kind = message_kind::pong});
      default:
        end(false);
    }
  }

  void answer_fork(std::uint32_t worker, std::vector<unique_fd>& descriptors) {
    message answer{.kind = message_kind::forked, .worker = worker};
    const bool captured = output_ == worker_output::captured;
    if (descriptors.size() != (captured ? 3U : 2U)) {
      answer.error = EMFILE;
      return send_to_host(answer);
    }
    if (const auto why = why_unforkable(threads_from::preload)) {
      answer.error = EAGAIN;
      answer.threads = threads_in_user_code();
      answer.text.set(*why);
      return send_to_host(answer);
    }
    auto made = fork_worker({.block = descriptors[0].get(),
                             .task_channel = descriptors[1].get(),
                             .loops = static_cast<unsigned>(loop_events_.size()),
                             .limits = limits_,
                             .max_descriptors = max_descriptors_,
                             .sandbox = sandbox_,
                             .init = worker_init_,
                             .init_arguments = worker_init_arguments_,
                             .host_modules = host_modules_,
                             .output = output_,
                             .captured = captured ? descriptors[2].get() : -1});
    answer.error = made.error;
    if (made.error != 0) return send_to_host(answer);
    answer.pid = made.pid;
    const int sent = made.pidfd.get();
    children_.add_worker(worker, made.pid, std::move(made.pidfd), made.mm_holder);
    if (made.violation_socket) violations_.add(worker, std::move(made.violation_socket));
    send_to_host(answer, {&sent, 1});
  }

  /// Reported before the kill, so that the host knows why the worker died.
  void violated(std::uint32_t worker, int call) {
    send_to_host({.kind = message_kind::violated, .worker = worker, .call = call});
    children_.kill_worker(worker);
  }

  /// Most kills are the host's own, but only the host knows which: each death by SIGKILL is compared.
  out_of_memory guess(int status, const rusage& used) {
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) return out_of_memory::no;
    const auto before = std::exchange(oom_counts_, read_oom_counts(oom_sources_));
    return guess_oom(before, oom_counts_, static_cast<std::uint64_t>(used.ru_maxrss) * 1024);
  }

  void report(std::uint32_t worker, int status, const rusage& used) {
    violations_.forget(worker);
    const auto us = [](const timeval& t) {
      return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(t.tv_usec);
    };
    send_to_host({.kind = message_kind::exited,
                  .worker = worker,
                  .status = status,
                  .oom_guess = guess(status, used),
                  .largest_rss = static_cast<std::uint64_t>(used.ru_maxrss),
                  .cpu_us = us(used.ru_utime) + us(used.ru_stime)});
  }

  child_reaper children_;
  unique_fd host_life_;  // until the host watcher has it
  std::size_t host_life_offset_ = 0;
  unique_fd signals_;
  unique_fd host_pidfd_;
  std::vector<unique_fd> loop_events_;
  pid_t host_ = 0;
  function_id preload_;
  function_id worker_init_;
  bytes preload_arguments_;
  bytes worker_init_arguments_;
  bytes host_modules_;
  worker_output output_{};
  limit_values limits_;
  unsigned max_descriptors_ = 0;
  workit::sandbox sandbox_ = workit::sandbox::none;
  violation_watch violations_;
  oom_sources oom_sources_;
  oom_counts oom_counts_;
  bool ended_ = false;
  bool silent_ = false;
};

}  // namespace

void run_zygote(int socket) {
  reset_signals();
  ::setsid();  // a terminal's Ctrl-C and hang-up go to the host alone: it may want to drain
  set_process_name("workit-zygote");
  show_as(zygote_name);
  reset_standard_descriptors();
  if (socket != zygote_socket) ::dup2(socket, zygote_socket);
  ::fcntl(zygote_socket, F_SETFD, FD_CLOEXEC);
  ::closefrom(zygote_socket + 1);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  static zygote self;  // never destroyed: it leaves by _exit
  self.run();
}

}  // namespace workit::workers
