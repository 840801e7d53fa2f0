// The zygote: one thread, one socket to the host, one loop.
//
// Invariants
// 1. It has one thread whenever it forks; otherwise it refuses, because locks of the others would stay locked in the
//    child.
// 2. It ends when the host does, whoever tells first: the host watcher, the socket, or the host's pidfd; and never
// before
//    its workers and their orphans have.
// 3. No PDEATHSIG: it would fire when the host's *thread* that started us ends.
#include "zygote.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <utility>
#include <workit/workers/detail/oom_guess.hpp>

#include "child_reaper.hpp"
#include "exception_info.hpp"
#include "host_watcher.hpp"
#include "messages.hpp"
#include "process_setup.hpp"
#include "task_limits.hpp"
#include "violation_watch.hpp"
#include "worker.hpp"

namespace workit::workers {
namespace {

constexpr int socket_place = 3;
constexpr int first_loop_place = 4;

unique_fd open_pidfd(pid_t pid) noexcept { return unique_fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

class zygote {
 public:
  zygote()
      : children_([this](std::uint32_t worker, int status, const rusage& used) { report(worker, status, used); },
                  [this](std::uint32_t worker) { say({.kind = message_kind::reclaimed, .worker = worker}); }) {}

  [[noreturn]] void run() {
    receive_hello();
    watch_host();
    look_for_sandbox();
    preload();
    watch_signals();
    say({.kind = message_kind::ready, .pid = ::getpid()});
    for (;;) turn();
  }

 private:
  /// Takes everybody along. Reports who went only to a host that waits for it: a dying one may not read for long.
  [[noreturn]] void end(bool silently) {
    ended_ = true;
    silent_ = silently;
    children_.end();
    ::_exit(0);
  }

  [[noreturn]] void fail(const std::string& sentence) {
    message m{.kind = message_kind::failed};
    m.text.set(sentence);
    say(m);
    end(true);
  }

  /// Waits for room in the socket, but not for a dead host.
  void say(const message& m, std::span<const int> descriptors = {}) {
    while (!silent_) {
      switch (send(socket_place, m, descriptors)) {
        case transfer::done:
          return;
        case transfer::closed:
          return host_is_gone();
        case transfer::again:
          break;
      }
      pollfd wanted[] = {{socket_place, POLLOUT, 0}, {signals_.get(), POLLIN, 0}};
      ::poll(wanted, 2, -1);
      if (wanted[1].revents != 0) take_signals();
    }
  }

  void host_is_gone() {
    silent_ = true;
    if (!ended_) end(true);
  }

  void receive_hello() {
    pollfd wanted{socket_place, POLLIN, 0};
    std::vector<unique_fd> descriptors;
    message m;
    transfer got = transfer::again;
    while (got == transfer::again) {
      ::poll(&wanted, 1, -1);
      got = receive(socket_place, m, descriptors);
    }
    if (got == transfer::closed || m.kind != message_kind::hello || descriptors.empty()) ::_exit(1);
    preload_ = m.preload;
    worker_init_ = m.worker_init;
    output_ = m.output;
    host_ = m.pid;
    limits_ = m.limits;
    sandbox_ = m.sandbox;
    loops_ = static_cast<unsigned>(descriptors.size() - 1);
    // Everything above 3 was closed, so they came in order, and stay open for good.
    for (unsigned i = 0; i < loops_; ++i) loop_descriptors_.push_back(std::move(descriptors[i]));
    if (loops_ != 0 && loop_descriptors_.back().get() != first_loop_place + static_cast<int>(loops_) - 1)
      fail("the zygote found descriptors open that it had closed: does a library open some in another thread?");
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptors.back().get(), 0);
    if (page == MAP_FAILED) fail("the zygote could not map the host's life mutex");
    host_life_ = &preempt::life_mutex::at(page);
    reset_scheduling(host_);
  }

  void watch_host() {
    refuse_threads();
    const pid_t host_watcher = start_sentinel(*host_life_);
    if (host_watcher < 0) fail("the zygote could not fork its host watcher: " + std::string(::strerror(errno)));
    children_.set_sentinel(host_watcher);
    host_pidfd_ = open_pidfd(host_);
    if (::getppid() != host_) end(true);
  }

  /// Now rather than in each worker, where there would be nobody to tell.
  void look_for_sandbox() {
    if (sandbox_ == sandbox::none) return;
    if (const auto missing = missing_for_sandbox(); !missing.empty())
      fail("sandbox::compute_only cannot be had: " + missing);
  }

  void preload() {
    if (!preload_) return;
    const auto f = find_function(preload_);
    if (!f) fail(unknown_function().what());
    try {
      (*f)();
    } catch (...) {
      const auto words = describe_current_exception();
      fail("preload threw " + words.type + ": " + words.what);
    }
    std::fflush(nullptr);  // or every worker would write it again
    refuse_threads();
  }

  void refuse_threads() {
    if (const auto threads = threads_in_user_code(); threads > threads_by_nature()) fail(too_many_threads(threads));
  }

  /// A thread that was joined a moment ago may still be counted, but holds no lock of the C library any more.
  static unsigned threads_in_user_code() noexcept {
    const auto all = count_threads();
    return all > threads_by_nature() ? count_living_threads() : all;
  }

  static std::string too_many_threads(unsigned threads) {
    return "the zygote has " + std::to_string(threads) +
           " threads and cannot be forked: preload, or a library it loads, has started them; let it use one thread "
           "(e.g. OPENBLAS_NUM_THREADS=1) or start them in the task";
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
        {socket_place, POLLIN, 0}, {signals_.get(), POLLIN, 0}, {host_pidfd_.get(), POLLIN, 0}};
    guards_.append_to(wanted);
    if (::poll(wanted.data(), wanted.size(), -1) < 0) return;
    if (wanted[2].revents != 0) host_is_gone();
    guards_.take(wanted, [this](std::uint32_t worker, int call) { violated(worker, call); });
    if (wanted[1].revents != 0) take_signals();
    if (wanted[0].revents != 0) take_message();
  }

  void take_message() {
    std::vector<unique_fd> descriptors;
    message m;
    switch (receive(socket_place, m, descriptors)) {
      case transfer::again:
        return;
      case transfer::closed:
        return host_is_gone();
      case transfer::done:
        break;
    }
    switch (m.kind) {
      case message_kind::fork:
        return fork_worker(m.worker, descriptors);
      case message_kind::kill:
        return children_.kill_worker(m.worker);
      case message_kind::ping:
        return say({.kind = message_kind::pong});
      default:
        end(false);
    }
  }

  void fork_worker(std::uint32_t worker, std::vector<unique_fd>& descriptors) {
    message answer{.kind = message_kind::forked, .worker = worker};
    const auto threads = threads_in_user_code();
    const bool captured = output_ == worker_output::captured;
    const bool complete = descriptors.size() == (captured ? 3 : 2);
    if (!complete || threads > threads_by_nature()) {
      answer.error = !complete ? EMFILE : EAGAIN;
      answer.threads = threads;
      if (complete) answer.text.set(too_many_threads(threads));
      return say(answer);
    }
    unique_fd ours, theirs;
    if (sandbox_ != sandbox::none) {
      int ends[2] = {-1, -1};
      if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        answer.error = errno;
        return say(answer);
      }
      ours = unique_fd(ends[0]);
      theirs = unique_fd(ends[1]);
    }
    int told[2] = {-1, -1};
    if (::pipe2(told, O_CLOEXEC) != 0) {
      answer.error = errno;
      return say(answer);
    }
    unique_fd hears(told[0]), tells(told[1]);
    const worker_birth birth{.zygote = ::getpid(),
                             .block = descriptors[0].get(),
                             .line = descriptors[1].get(),
                             .loops = loops_,
                             .limits = limits_,
                             .sandbox = sandbox_,
                             .channel = theirs.get(),
                             .init = worker_init_,
                             .output = output_,
                             .captured = captured ? descriptors[2].get() : -1,
                             .keeper = tells.get()};
    const pid_t child = ::fork();
    if (child == 0) run_worker(birth);
    tells.reset();
    unique_fd pidfd;
    if (child > 0) pidfd = open_pidfd(child);  // not reaped yet, so it is surely this one
    if (child < 0 || !pidfd) {
      answer.error = errno;
      if (child > 0) ::kill(child, SIGKILL);
      return say(answer);
    }
    answer.pid = child;
    const int sent = pidfd.get();
    children_.add_worker(worker, child, std::move(pidfd), hear_keeper(hears.get()));
    if (ours) guards_.add(worker, std::move(ours));
    say(answer, {&sent, 1});
  }

  /// What a worker that was just forked says at once: the pid of its keeper, or -1, also when it died before. Waited
  /// for, so that no child of ours is ever unknown while its pid can be said.
  static pid_t hear_keeper(int pipe) noexcept {
    pid_t keeper = -1;
    while (::read(pipe, &keeper, sizeof keeper) < 0 && errno == EINTR) {
    }
    return keeper;
  }

  /// The host hears of it first, so that it knows why the worker died.
  void violated(std::uint32_t worker, int call) {
    say({.kind = message_kind::violated, .worker = worker, .call = call});
    children_.kill_worker(worker);
  }

  /// Most deaths by SIGKILL are the host's own doing; only it knows, so each is compared.
  out_of_memory guess(int status, const rusage& used) {
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) return out_of_memory::no;
    const auto before = std::exchange(oom_counts_, read_oom_counts(oom_sources_));
    return guess_oom(before, oom_counts_, static_cast<std::uint64_t>(used.ru_maxrss) * 1024);
  }

  void report(std::uint32_t worker, int status, const rusage& used) {
    guards_.forget(worker);
    const auto us = [](const timeval& t) {
      return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(t.tv_usec);
    };
    say({.kind = message_kind::exited,
         .worker = worker,
         .status = status,
         .oom_guess = guess(status, used),
         .largest_rss = static_cast<std::uint64_t>(used.ru_maxrss),
         .cpu_us = us(used.ru_utime) + us(used.ru_stime)});
  }

  child_reaper children_;
  preempt::life_mutex* host_life_ = nullptr;
  unique_fd signals_;
  unique_fd host_pidfd_;
  std::vector<unique_fd> loop_descriptors_;
  unsigned loops_ = 0;
  pid_t host_ = 0;
  function_id preload_;
  function_id worker_init_;
  worker_output output_{};
  limit_values limits_;
  workit::sandbox sandbox_ = workit::sandbox::none;
  violation_watch guards_;
  oom_sources oom_sources_;
  oom_counts oom_counts_;
  bool ended_ = false;
  bool silent_ = false;
};

}  // namespace

void run_zygote(int socket) {
  reset_signals();
  ::setsid();  // a terminal's Ctrl-C and hang-up are the host's to answer: it may want to drain
  set_process_name("workit-zygote");
  reset_standard_descriptors();
  if (socket != socket_place) ::dup2(socket, socket_place);
  ::fcntl(socket_place, F_SETFD, FD_CLOEXEC);
  ::close_range(socket_place + 1, ~0U, 0);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  static zygote self;  // never destroyed: it leaves by _exit
  self.run();
}

}  // namespace workit::workers
