// The worker: parks on its word, runs the task, commits.
//
// Invariants
// 1. It shares no lock with anyone, except the life mutex, which it never lets go.
// 2. The result is complete before the one compare-and-swap that commits it; after a lost one it touches nothing.
// 3. Its deadline timer is off before the commit: a committed result is never followed by the timer's kill.
// 4. It leaves by _exit or by a signal: what static objects the image has is not destroyed here.
#include "worker.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <system_error>
#include <utility>
#include <workit/base/errors.hpp>
#include <workit/context/cancelled.hpp>
#include <workit/preempt/proof.hpp>
#include <workit/workers/detail/remote_call.hpp>

#include <workit/base/usable_cpus.hpp>
#include "crash_report.hpp"
#include "exception_info.hpp"
#include "messages.hpp"
#include "mm_holder.hpp"
#include "payload.hpp"
#include "process_setup.hpp"
#include "sandbox_filter.hpp"
#include "self_test.hpp"
#include "task_channel.hpp"
#include "task_frame.hpp"
#include "task_limits.hpp"
#include "thread_counter.hpp"
#include "throw_trace.hpp"
#include "worker_scope.hpp"

namespace workit::workers {
namespace {

constexpr int block_place = 3;
constexpr int first_loop_place = 4;
/// How long after its deadline a task is ended by the kernel, when the host has not done so by then.
constexpr std::int64_t deadline_slack_ns = 250'000'000;
/// After a task no longer than the one, or when it is prewoken, a worker looks for the next for as long as the other
/// before it sleeps.
constexpr auto short_task = std::chrono::milliseconds(1);
constexpr auto spin_time = std::chrono::microseconds(100);
/// How often a sandboxed worker looks whether joined threads are gone, 0.1 ms apart.
constexpr int most_looks = 20;

class worker {
 public:
  explicit worker(const worker_birth& birth)
      : birth_(birth),
        payload_(mapped_block()),
        limits_(birth.limits, first_loop_place + birth.loops + (birth.channel >= 0 ? 3 : 2), control().exceeded) {}

  [[noreturn]] void run() {
    set_self_test_block(control());
    control().life.hold();
    note_crashes_in(payload_, ready_event_);
    set_worker_surroundings({&control(), line_place(), &ready_event_});
    // First in, last out: a task's exit() must not run the destructors of what the zygote's image has constructed.
    ::on_exit([](int status, void*) { ::_exit(status); }, nullptr);
    make_timer();
    initialise();
    capture_output();
    // ThreadSanitizer starts its own anew in a forked process, with the first thread of the task.
    threads_ = std::max(count_threads(), threads_by_nature()) + threads_by_nature() - 1;
    confine();
    control().ready.store(ready_now, std::memory_order_release);
    if (birth_.init) ring(first_loop_place + static_cast<int>(birth_.loops) - 1);
    for (bool more_soon = false;;) {
      const control_word word(control().word.load(std::memory_order_acquire));
      if (word.at() == phase::running)
        more_soon = run_shortly(word);
      else if (!may_come_soon(std::exchange(more_soon, false)) || !look_for_task())
        wait_while(control().word, word.bits());
    }
  }

 private:
  static payload mapped_block() noexcept {
    payload block(block_place);
    if (!block.mapped()) ::_exit(EXIT_FAILURE);
    return block;
  }

  [[nodiscard]] control_block& control() const noexcept { return payload_.control(); }
  [[nodiscard]] int channel_place() const noexcept { return line_place() + 1; }
  [[nodiscard]] int line_place() const noexcept { return first_loop_place + static_cast<int>(birth_.loops); }

  void initialise() {
    if (!birth_.init) return;
    try {
      const auto found = find_function(birth_.init);
      if (!found) throw unknown_function();
      (*found)();
      std::fflush(nullptr);
      return;
    } catch (...) {
      const auto words = describe_current_exception();
      refuse(words.type + ": " + words.what);
    }
    control().ready.store(init_failed, std::memory_order_release);
    ::_exit(EXIT_FAILURE);
  }

  /// Line by line, so that what was said before a crash is not lost with it.
  void capture_output() const noexcept {
    if (birth_.captured < 0) return;
    const unique_fd pipe(line_place() + (birth_.channel >= 0 ? 2 : 1));
    std::fflush(nullptr);
    for (const int descriptor : {1, 2}) ::dup2(pipe.get(), descriptor);
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
  }

  /// After everything that a task may not do any more: from here on the worker lives by the same rules.
  void confine() noexcept {
    counter_.open();
    if (birth_.sandbox == sandbox::compute_only) {
      const unique_fd channel(channel_place());
      const unique_fd listener(enter_compute_only({line_place(), channel.get()}));
      const int sent = listener.get();
      if (sent < 0 || send(channel.get(), {.kind = message_kind::guarded}, {&sent, 1}) != transfer::done)
        ::_exit(EXIT_FAILURE);
    } else if (birth_.limits.processes == 0 && !forbid_children()) {
      ::_exit(EXIT_FAILURE);
    }
  }

  void make_timer() noexcept {
#ifdef WORKIT_WITHOUT_KERNEL_TIMER
    return;
#endif
    sigevent kill{};
    kill.sigev_notify = SIGEV_SIGNAL;
    kill.sigev_signo = SIGKILL;
    has_timer_ = ::timer_create(CLOCK_MONOTONIC, &kill, &timer_) == 0;
  }

  void set_timer(std::int64_t at_ns) noexcept {
    itimerspec when{};
    when.it_value.tv_sec = at_ns / 1'000'000'000;
    when.it_value.tv_nsec = at_ns % 1'000'000'000;
    if (has_timer_) ::timer_settime(timer_, TIMER_ABSTIME, &when, nullptr);
  }

  /// Runs the task; whether the next one may be near. Waking a process that sleeps takes about as long as spin_time on
  /// a virtual machine; where there is one processor, who looks keeps the host from sending anything.
  bool run_shortly(control_word word) {
    const auto began = std::chrono::steady_clock::now();
    run_task(word);
    return several_processors_ && std::chrono::steady_clock::now() - began < short_task;
  }

  [[nodiscard]] bool may_come_soon(bool after_a_short_one) noexcept {
    const auto now = control().prewoken.load(std::memory_order_acquire);
    return (std::exchange(roused_, now) != now && several_processors_) || after_a_short_one;
  }

  /// Whether a task came before the time was over.
  [[nodiscard]] bool look_for_task() const noexcept {
    const auto until = std::chrono::steady_clock::now() + spin_time;
    do {
      if (control_word(control().word.load(std::memory_order_acquire)).at() == phase::running) return true;
      __builtin_ia32_pause();
    } while (std::chrono::steady_clock::now() < until);
    return false;
  }

  void run_task(control_word word) {
    const auto request = control().request;
    ready_event_.store(request.loop < birth_.loops ? first_loop_place + static_cast<int>(request.loop) : -1,
                       std::memory_order_relaxed);
    const bool bounded = request.deadline_ns < std::numeric_limits<std::int64_t>::max() - deadline_slack_ns;
    if (bounded) set_timer(std::max<std::int64_t>(1, request.deadline_ns + request.grace_ns + deadline_slack_ns));
    const auto used_before = usage();
    if (const auto why = limits_.begin(request.limits, control().cpu_end_ns))
      refuse(*why);
    else
      call(request, word.generation());
    std::fflush(nullptr);
    const auto used = usage();
    control().result.cpu_us.store(cpu_us(used) - cpu_us(used_before), std::memory_order_relaxed);
    control().result.largest_rss.store(static_cast<std::uint64_t>(used.ru_maxrss), std::memory_order_relaxed);
    control().result.left_behind.store(somebody_left_behind() ? 1 : 0, std::memory_order_relaxed);
    if (bounded) set_timer(0);
    limits_.end();
    commit(word);
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

  /// Whether the task's scope ended because of the host's deadline, which is no error of the task.
  static bool is_past(std::int64_t deadline_ns) noexcept {
    return std::chrono::steady_clock::now().time_since_epoch().count() >= deadline_ns;
  }

  void call(const control_block::request_fields& request, std::uint32_t generation) {
    wire_writer frame;
    auto kind = result_kind::value;
    const task_frame own(control().asked.generation, generation, deadline{time_point{duration{request.deadline_ns}}});
    control().result.blocks.store(0, std::memory_order_relaxed);
    forget_throw();
    try {
      if (request.entry != entry_id_) {
        const auto found = find_function(request.entry);
        if (!found) throw unknown_function();
        entry_ = reinterpret_cast<trampoline>(*found);
        entry_id_ = request.entry;
      }
      const auto beside = receive_blocks(generation, request.blocks);
      wire_reader arguments(payload_.view(request.size), beside);
      noting_throws([&] { entry_(arguments, frame); });
      if (frame.size() > request.limits.output) throw output_exceeded();
      payload_.write(frame.frame());
      send_result_blocks(generation, frame.attached());
    } catch (const output_exceeded&) {
      return say_exceeded(resource::output);
    } catch (const unknown_function& e) {
      return refuse(e.what());
    } catch (const scope_cancelled&) {
      return say(result_kind::cancelled, 0);
    } catch (const cancelled&) {  // by worker_context::check()
      return say(result_kind::cancelled, 0);
    } catch (const timed_out&) {
      kind = is_past(request.deadline_ns) ? result_kind::cancelled : write_exception(frame);
    } catch (...) {
      if (const auto what = limits_.blame()) return say_exceeded(*what);
      kind = write_exception(frame);
    }
    say(kind, frame.size());
  }

  void say(result_kind kind, std::size_t size) noexcept {
    control().result.kind.store(static_cast<std::uint32_t>(kind), std::memory_order_relaxed);
    control().result.size.store(size, std::memory_order_relaxed);
  }

  void say_exceeded(resource what) noexcept {
    control().exceeded.store(note_of(what), std::memory_order_relaxed);
    say(result_kind::exceeded, 0);
  }

  void refuse(std::string sentence) {
    wire_writer frame;
    write_words({std::move(sentence)}, frame);
    say(result_kind::refused, frame.size());
  }

  /// The host has sent them before it published the task; what is left of a task that was withdrawn is thrown away.
  attachments receive_blocks(std::uint32_t generation, std::uint32_t count) {
    attachments blocks;
    while (blocks.size() < count) {
      auto next = receive(line_place());
      if (!next) throw wire_error("the shared buffers of the call have not arrived");
      const auto said = decode(next->content);
      const auto* which = said ? std::get_if<blocks_message>(&*said) : nullptr;
      if (which != nullptr && which->generation == generation) take_blocks(std::move(next->descriptors), blocks);
    }
    return blocks;
  }

  void send_result_blocks(std::uint32_t generation, const attachments& blocks) {
    if (blocks.empty()) return;
    int error = EAGAIN;
    for (pollfd room{line_place(), POLLOUT, 0}; error == EAGAIN; ::poll(&room, 1, 10))  // behind reports not yet read
      error = send_blocks(line_place(), generation, blocks);
    if (error != 0) throw std::system_error(error, std::system_category(), "the shared buffers could not be sent");
    control().result.blocks.store(static_cast<std::uint32_t>(blocks.size()), std::memory_order_relaxed);
    control().said.fetch_add(1, std::memory_order_release);
  }

  result_kind write_exception(wire_writer& frame) {
    auto words = describe_current_exception();
    write_words({std::move(words.type), std::move(words.what), noted_throw()}, frame);
    return result_kind::exception;
  }

  /// In place of a value. Long words are cut, so that they fit in any case.
  void write_words(std::vector<std::string> words, wire_writer& frame) {
    frame.clear();
    for (auto& word : words) {
      word.resize(std::min(word.size(), first_payload / 4));
      frame.write(word);
    }
    payload_.write(frame.frame());
  }

  [[nodiscard]] bool somebody_left_behind() const noexcept {
#ifdef WORKIT_WITHOUT_LEFTOVERS
    return false;
#endif
    for (;;) {
      const auto child = ::wait4(-1, nullptr, WNOHANG | __WALL, nullptr);
      if (child == 0) return true;
      if (child < 0 && errno != EINTR) break;  // ECHILD
    }
    const auto ours = threads_ + scope_threads();
    if (birth_.sandbox != sandbox::compute_only) return counter_.count() > ours && count_living_threads() > ours;
    // A sandbox has no paths to ask for each thread: those that have been joined are given a moment to be gone.
    for (int look = 0; look < most_looks; ++look) {
      if (counter_.count() <= ours) return false;
      const timespec moment{0, 100'000};
      ::nanosleep(&moment, nullptr);
    }
    return true;
  }

  void commit(control_word word) {
    auto expected = word.bits();
    const auto committed = control_word(word.generation(), phase::committed).bits();
    if (!control().word.compare_exchange_strong(expected, committed, std::memory_order_acq_rel)) {
      if (expected != control_word(word.generation(), phase::stopped).bits()) std::abort();  // the task overwrote it
      for (;;) ::pause();  // the host took the task back: SIGKILL is on its way
    }
    // A task may have closed our descriptors: then our death tells the host to look.
    if (!payload_.descriptor_intact()) ::_exit(EXIT_SUCCESS);
    ring(ready_event_.load(std::memory_order_relaxed));
  }

  /// Adds 1 to an eventfd of the host, or leaves.
  static void ring(int bell) noexcept {
    const std::uint64_t one = 1;
    ssize_t written = -1;
    do written = ::write(bell, &one, sizeof one);
    while (written < 0 && errno == EINTR);
    if (written < 0 && errno != EAGAIN) ::_exit(EXIT_SUCCESS);
  }

  const worker_birth birth_;
  payload payload_;
  task_limits limits_;
  std::atomic<int> ready_event_{-1};  // the eventfd of the task's loop
  timer_t timer_{};
  bool has_timer_ = false;
  const bool several_processors_ = usable_cpus() > 1;
  std::uint32_t roused_ = 0;  // as control().prewoken was last seen
  unsigned threads_ = 1;
  thread_counter counter_;
  function_id entry_id_;
  trampoline entry_ = nullptr;
};

/// The zygote waits for the answer, or for our end.
void keep_memory(const worker_birth& birth) noexcept {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);  // until reset_signals()
  const pid_t keeper = start_memory_keeper(birth.zygote);
  if (::write(birth.keeper, &keeper, sizeof keeper) != sizeof keeper) ::_exit(EXIT_FAILURE);
}

}  // namespace

void run_worker(const worker_birth& birth) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != birth.zygote) ::_exit(EXIT_FAILURE);  // it ended before the line above
  // Refused on a kernel that has none: the host's self-test then chooses another proof. Before there is a keeper: for a
  // memory with two users the kernel waits until every processor has been through its scheduler.
  static_cast<void>(preempt::register_for_barrier());
  keep_memory(birth);
  ::setsid();
  reset_signals();
  set_process_name("workit-worker");
  set_oom_score("1000");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // what a task detaches stays ours to notice
  // 1, not 0: a core that is piped to a program ignores 0 (core(5)), and a dump delays the death it follows.
  const rlimit no_core{1, 1};
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (birth.output == worker_output::null) discard_output();
  ::dup3(birth.block, block_place, O_CLOEXEC);
  unsigned kept = first_loop_place + birth.loops;
  const auto keep = [&](int descriptor) {
    const int place = static_cast<int>(kept++);
    if (descriptor != place) ::dup3(descriptor, place, O_CLOEXEC);
  };
  keep(birth.line);
  for (const int descriptor : {birth.channel, birth.captured})
    if (descriptor >= 0) keep(descriptor);
  ::close_range(kept, ~0U, 0);
  static worker self(birth);  // never destroyed: it leaves by _exit
  self.run();
}

}  // namespace workit::workers
