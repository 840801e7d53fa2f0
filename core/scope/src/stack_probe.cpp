// stack_probe: one question at a time, answered by a signal handler on the thread that is asked.
//
// Invariants
// 1. the_question is written by the prober while its state is idle, and by the handler between its compare-and-swap
//    from asked to answering and its store of answered. A signal that comes late finds another state or thread and
//    does nothing.
// 2. What the handler does is async-signal-safe (signal-safety(7)): gettid(2), lock-free atomics, copies of memory that
//    the interrupted thread owns, and backtrace(3). Of that last one safety is not promised, but known for this use:
//    its one allocation, the loading of libgcc, is done beforehand on the prober's thread, and its walk finds unwind
//    tables without a lock (_dl_find_object of glibc 2.35, used by libgcc since GCC 12), as long as no
//    code has registered frames by hand, as some compilers at run time do.
// 3. The thread that is asked is interrupted, not raced: what it wrote before is there, and a fiber's current node
//    lives for as long as it is current.
// Lock order: probing is one mutex; nothing is called under it that takes another.
#include "stack_probe.hpp"

#include <dlfcn.h>
#include <execinfo.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <boost/core/demangle.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>
#include <workit/base/thread_mutex.hpp>
#include <workit/fiber/detail/fiber.hpp>
#include <workit/fiber/detail/loop.hpp>
#include <workit/scope/detail/node.hpp>

namespace workit::detail {
namespace {

constexpr int probe_signal = SIGURG;
constexpr int most_frames = 64;
constexpr std::size_t name_bytes = 128;

enum state : int { idle, asked, answering, answered };

struct question {
  std::atomic<int> state{idle};
  std::atomic<pid_t> thread{0};
  const loop* of = nullptr;
  std::uint64_t at_beats = 0;

  bool moved_on = false;
  work_id task = 0;
  char name[name_bytes + 1];
  char inside[name_bytes + 1];
  std::string_view stopped_for{};
  time_point stopped_at{};
  void* interrupted_at = nullptr;
  void* frames[most_frames];
  int count = 0;
};

question the_question;
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<pid_t>::is_always_lock_free);

void copy_name(char* to, const std::string& from) noexcept {
  const auto length = std::min(from.size(), name_bytes);
  std::memcpy(to, from.data(), length);
  to[length] = '\0';
}

void* instruction_of(const void* context) noexcept {
#if defined(__x86_64__)
  return reinterpret_cast<void*>(static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return reinterpret_cast<void*>(static_cast<const ucontext_t*>(context)->uc_mcontext.pc);
#else
  return nullptr;
#endif
}

void fill(question& q, const void* context) noexcept {
  q.moved_on = q.of->beats() != q.at_beats;
  q.task = 0;
  q.name[0] = q.inside[0] = '\0';
  q.stopped_for = {};
  const auto* running = fiber::current();
  if (const node* innermost = running != nullptr ? node_of(*running) : nullptr; innermost != nullptr) {
    const auto* task = innermost;
    while (task->parent != nullptr && task->parent->body == running) task = task->parent;
    q.task = task->id;
    copy_name(q.name, task->name);
    if (innermost != task && innermost->name != task->name) copy_name(q.inside, innermost->name);
    if (const auto* stopped = innermost->ruling_cell().record(); stopped != nullptr) {
      q.stopped_for = kind_of(stopped->why);
      q.stopped_at = stopped->at;
    }
  }
  q.interrupted_at = instruction_of(context);
  q.count = q.moved_on ? 0 : backtrace(q.frames, most_frames);
}

void on_signal(int, siginfo_t*, void* context) {
  const int kept = errno;
  auto& q = the_question;
  const auto mine = static_cast<pid_t>(syscall(SYS_gettid));
  int expected = asked;
  if (q.thread.load() == mine && q.state.compare_exchange_strong(expected, answering)) {
    if (q.thread.load() == mine) {
      fill(q, context);
      q.state.store(answered);
    } else {
      q.state.store(asked);  // ours was an older question
    }
  }
  errno = kept;
}

/// The probe's signal, for as long as this lives.
class borrowed_signal {
 public:
  borrowed_signal() noexcept {
    struct sigaction ours {};
    ours.sa_sigaction = on_signal;
    ours.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    sigemptyset(&ours.sa_mask);
    if (sigaction(probe_signal, nullptr, &before_) != 0) return;
    const bool free =
        (before_.sa_flags & SA_SIGINFO) == 0 && (before_.sa_handler == SIG_DFL || before_.sa_handler == SIG_IGN);
    taken_ = free && sigaction(probe_signal, &ours, nullptr) == 0;
  }
  ~borrowed_signal() {
    if (taken_) sigaction(probe_signal, &before_, nullptr);
  }
  borrowed_signal(const borrowed_signal&) = delete;
  borrowed_signal& operator=(const borrowed_signal&) = delete;
  [[nodiscard]] bool taken() const noexcept { return taken_; }

 private:
  struct sigaction before_ {};
  bool taken_ = false;
};

// Whether the answer came in time; afterwards no thread writes to the question any more.
bool await_answer(question& q, duration patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    if (q.state.load() == answered) break;
    int expected = asked;
    if (std::chrono::steady_clock::now() >= until && q.state.compare_exchange_strong(expected, idle)) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
  q.state.store(idle);
  return true;
}

std::string describe_frame(void* frame, bool innermost) {
  const auto at = reinterpret_cast<std::uintptr_t>(frame);
  // A return address may be the first byte of the next function.
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(innermost ? at : at - 1), &info) == 0) return "?";
  const auto hex = [](std::uintptr_t n) {
    char text[24];
    std::snprintf(text, sizeof text, "+0x%zx", static_cast<std::size_t>(n));
    return std::string(text);
  };
  const std::string module = info.dli_fname != nullptr ? info.dli_fname : "?";
  if (info.dli_sname == nullptr) return module + hex(at - reinterpret_cast<std::uintptr_t>(info.dli_fbase));
  return boost::core::demangle(info.dli_sname) + hex(at - reinterpret_cast<std::uintptr_t>(info.dli_saddr)) + " (" +
         module + ')';
}

}  // namespace

std::optional<stack_sample> probe_stack(const loop& of, std::uint64_t at_beats, duration patience) {
  static thread_mutex probing;
  const thread_lock lock(probing);
  void* warm[1];
  backtrace(warm, 1);
  const auto thread = of.thread_id();
  if (thread == 0) return std::nullopt;
  const borrowed_signal signal;
  if (!signal.taken()) return std::nullopt;
  auto& q = the_question;
  q.of = &of;
  q.at_beats = at_beats;
  q.thread.store(thread);
  q.state.store(asked);
  if (syscall(SYS_tgkill, getpid(), thread, probe_signal) != 0) patience = duration::zero();
  const bool came = await_answer(q, patience);
  q.thread.store(0);
  if (!came || q.moved_on) return std::nullopt;
  stack_sample sample{q.task,        q.name,       q.inside,
                      q.stopped_for, q.stopped_at, std::vector<void*>(q.frames, q.frames + q.count)};
  // The first frames are the handler's own.
  const auto begin = std::find(sample.frames.begin(), sample.frames.end(), q.interrupted_at);
  if (begin != sample.frames.end()) sample.frames.erase(sample.frames.begin(), begin);
  return sample;
}

std::vector<std::string> describe_frames(const std::vector<void*>& frames) {
  std::vector<std::string> all;
  all.reserve(frames.size());
  for (auto* frame : frames) all.push_back(describe_frame(frame, all.empty()));
  return all;
}

}  // namespace workit::detail
