// The worker: parks on its word, runs the task, commits.
//
// Invariants
// 1. It shares no lock with another process, except the life mutex, which it never releases.
// 2. The result is complete before the one compare-and-swap that commits it; when that fails it touches nothing more.
// 3. Its deadline timer is off before the commit: a committed result is never followed by the timer's kill.
// 4. It leaves by _exit or by a signal: the static objects that the zygote has constructed are not destroyed here.
#include "worker.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <thread>
#include <utility>
#include <workit/base/detail/calling_environment.hpp>
#include <workit/base/detail/process_scheduling.hpp>

#include "crash_report.hpp"
#include "deadline_timer.hpp"
#include "exception_info.hpp"
#include "host_modules.hpp"
#include "leftovers.hpp"
#include "messages.hpp"
#include "payload.hpp"
#include "sandbox_filter.hpp"
#include "self_test.hpp"
#include "startup_frame.hpp"
#include "task_limits.hpp"
#include "task_run.hpp"
#include "worker_scope.hpp"
#include "worker_start.hpp"

namespace workit::workers {
namespace {

/// How long after its deadline a task is ended by the kernel, when the host has not done so by then.
constexpr duration deadline_slack = std::chrono::milliseconds(250);
/// After a task of at most `short_task`, or a prewake, the worker spins for `spin_time` before it sleeps.
constexpr auto short_task = std::chrono::milliseconds(1);
constexpr auto spin_time = std::chrono::microseconds(100);
/// Between the host's change of the word and its SIGKILL lie microseconds, but the host may be stopped or starved.
constexpr auto kill_takes_at_most = std::chrono::seconds(2);

class worker {
 public:
  explicit worker(const worker_setup& setup)
      : setup_(setup),
        content_(mapped_block()),
        limits_(setup.limits, control().exceeded),
        run_(content_, limits_, descriptors_.task_channel()) {}

  [[noreturn]] void run() {
    set_self_test_block(control());
    control().life.hold();
    report_crashes_in(content_, loop_event_);
    set_host_link({&control(), descriptors_.task_channel(), &loop_event_});
    // First in, last out: a task's exit() must not run the destructors of what the zygote's image has constructed.
    ::on_exit([](int status, void*) { ::_exit(status); }, nullptr);
    initialise();
    const workit::detail::calling_environment environment;
    capture_output();
    leftovers_.begin(setup_.sandbox == sandbox::compute_only);
    confine();
    leftovers_.begin_descriptors(setup_.max_descriptors);
    limits_.seal_files(leftovers_.most_descriptors());
    control().ready.store(ready_now, std::memory_order_release);
    if (setup_.init) signal_event(descriptors_.ready_event());
    for (bool more_soon = false;;) {
      const control_word word(control().word.load(std::memory_order_acquire));
      if (word.at() == phase::running)
        more_soon = run_task(word, environment);
      else if (!may_come_soon(std::exchange(more_soon, false)) || !spin_for_task())
        wait_while(control().word, word.bits());
    }
  }

 private:
  static payload mapped_block() noexcept {
    payload block(worker_descriptors::control_block);
    if (!block.mapped()) ::_exit(EXIT_FAILURE);
    return block;
  }

  [[nodiscard]] control_block& control() const noexcept { return content_.control(); }

  void initialise() {
    if (!setup_.init) return;
    try {
      make_startup_call(setup_.init, setup_.init_arguments);
      if (const auto why = replaced_module(setup_.host_modules)) throw unknown_function(*why);
      std::fflush(nullptr);
      return;
    } catch (const unknown_function& e) {
      run_.refuse(e.what());
    } catch (...) {
      run_.refuse(sentence_of_current_exception());
    }
    leave_unready(init_failed);
  }

  /// What says why is written.
  [[noreturn]] void leave_unready(worker_readiness as) noexcept {
    control().ready.store(as, std::memory_order_release);
    ::_exit(EXIT_FAILURE);
  }

  /// Line by line, so that what was printed before a crash or a kill is not lost with it.
  void capture_output() const noexcept {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    if (!descriptors_.captured) return;
    const unique_fd pipe(descriptors_.output_pipe());
    std::fflush(nullptr);
    for (const int descriptor : {1, 2}) ::dup2(pipe.get(), descriptor);
  }

  /// After everything that a task may not do any more: from here on the worker is bound by the same rules.
  void confine() noexcept {
    if (setup_.sandbox == sandbox::compute_only) {
      const unique_fd zygote(descriptors_.zygote_channel());
      const unique_fd listener(enter_compute_only({descriptors_.task_channel(), zygote.get()}));
      const int sent = listener.get();
      if (sent < 0) refuse_confinement();
      if (send(zygote.get(), {.kind = message_kind::seccomp_listener}, {&sent, 1}) != transfer::done)
        ::_exit(EXIT_FAILURE);  // the zygote is gone
    } else if (setup_.limits.processes == 0 && !forbid_children()) {
      refuse_confinement();
    }
  }

  /// Where the kernel has what it takes, or the zygote had said so, and does not let this worker use it.
  [[noreturn]] void refuse_confinement() noexcept {
    control().confine_error.store(errno, std::memory_order_relaxed);
    leave_unready(confine_failed);
  }

  /// Runs the task; whether the next one may be near. Waking a process that sleeps takes about as long as spin_time on
  /// a virtual machine; on a single processor a worker that spins would keep the host from sending anything.
  bool run_task(control_word word, const workit::detail::calling_environment& environment) {
    const auto began = std::chrono::steady_clock::now();
    const auto request = control().request;
    loop_event_.store(request.loop < setup_.loops ? descriptors_.loop_event(request.loop) : -1,
                      std::memory_order_relaxed);
    // Neither the grace nor the slack may carry a far deadline into the past: the timer would end the task at once.
    const auto asked_at = time_point{duration{request.deadline_ns}};
    const auto killed_at =
        deadline_point::in(deadline_slack, deadline_point::in(duration{request.grace_ns}, asked_at).at());
    const bool bounded = !killed_at.is_never();
    if (bounded) timer_.set(killed_at.at().time_since_epoch().count());
    const auto used_before = usage();
    const auto open = request.limits.files != limit_values::none ? leftovers_.descriptors() : 0U;
    if (const auto why = limits_.begin(request.limits, open, control().cpu_end_ns))
      run_.refuse(*why);
    else
      run_.call(request, word.generation());
    environment.restore();
    std::fflush(nullptr);
    const auto used = usage();
    control().result.cpu_us.store(cpu_us(used) - cpu_us(used_before), std::memory_order_relaxed);
    control().result.largest_rss.store(static_cast<std::uint64_t>(used.ru_maxrss), std::memory_order_relaxed);
    control().result.left_behind.store(leftovers_.exist(scope_threads()) ? 1 : 0, std::memory_order_relaxed);
    if (bounded) timer_.cancel();
    limits_.end();
    commit(word);
    return workit::detail::spinning_pays() && std::chrono::steady_clock::now() - began < short_task;
  }

  [[nodiscard]] bool may_come_soon(bool after_a_short_one) noexcept {
    const auto now = control().prewoken.load(std::memory_order_acquire);
    return (std::exchange(prewoken_, now) != now && workit::detail::spinning_pays()) || after_a_short_one;
  }

  /// Whether a task came before the time was over.
  [[nodiscard]] bool spin_for_task() const noexcept {
    const auto until = std::chrono::steady_clock::now() + spin_time;
    do {
      if (control_word(control().word.load(std::memory_order_acquire)).at() == phase::running) return true;
      __builtin_ia32_pause();
    } while (std::chrono::steady_clock::now() < until);
    return false;
  }

  static rusage usage() noexcept {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    return used;
  }
  static std::uint64_t cpu_us(const rusage& used) noexcept {
    const auto us = [](const timeval& t) {
      return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(t.tv_usec);
    };
    return us(used.ru_utime) + us(used.ru_stime);
  }

  void commit(control_word word) {
    auto expected = word.bits();
    const auto committed = control_word(word.generation(), phase::committed).bits();
    if (!control().word.compare_exchange_strong(expected, committed, std::memory_order_acq_rel)) {
      // The host took the task back, and its SIGKILL is on its way; or the task has overwritten the word.
      if (expected == control_word(word.generation(), phase::stopped).bits())
        std::this_thread::sleep_for(kill_takes_at_most);
      std::abort();
    }
    // A task may have closed our descriptors: then our death tells the host to look.
    if (!content_.descriptor_intact()) ::_exit(EXIT_SUCCESS);
    signal_event(loop_event_.load(std::memory_order_relaxed));
  }

  /// Wakes the thread of the host that reads the pipe, or leaves.
  static void signal_event(int event) noexcept {
    const std::uint64_t one = 1;
    ssize_t written = -1;
    do written = ::write(event, &one, sizeof one);
    while (written < 0 && errno == EINTR);
    if (written < 0 && errno != EAGAIN) ::_exit(EXIT_SUCCESS);
  }

  const worker_setup setup_;
  const worker_descriptors descriptors_ = setup_.descriptors();
  payload content_;
  task_limits limits_;
  task_run run_;
  deadline_timer timer_;
  leftovers leftovers_;
  std::atomic<int> loop_event_{-1};  // wakes the task's loop
  std::uint32_t prewoken_ = 0;       // control().prewoken as it was last seen
};

}  // namespace

void run_worker(const worker_setup& setup) {
  start_worker(setup);
  static worker self(setup);  // never destroyed: it leaves by _exit
  self.run();
}

}  // namespace workit::workers
