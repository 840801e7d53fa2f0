// task_limits: rlimits, and a timer on the processor clock where they do not fit.
//
// RLIMIT_DATA, not RLIMIT_AS: since Linux 4.7 it counts every private writable mapping (mm/mmap.c, may_expand_vm()),
// which is what a task can fill. RLIMIT_AS counts address space: 64 MiB for each reserved malloc arena, a mapped model
// file, terabytes of a sanitizer's shadow.
// A timer, not RLIMIT_CPU: that counts whole seconds since the process began, and a hard limit cannot be taken back for
// the next task.
#include "task_limits.hpp"

#include <sys/mman.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <new>
#include <system_error>

namespace workit::workers {
namespace {

/// For the new-handler: null while memory is not limited.
std::atomic<std::uint32_t>* memory_note = nullptr;
std::atomic<std::uint32_t>* note_place = nullptr;
std::new_handler handler_before = nullptr;

/// The lowest address that the stack may reach; 0 while it is not limited.
std::atomic<std::uintptr_t> stack_floor{0};
/// How far below it a first touch can be: a frame larger than that looks like any wild pointer.
constexpr std::uintptr_t largest_frame = std::uintptr_t{1} << 20;
/// complaint_about() allows no more.
constexpr std::uint64_t most_stack_limit = std::uint64_t{64} << 20;
constexpr std::uint64_t least_room = 32 * 1024;
constexpr std::uintptr_t page_mask = 4095;

/// Records the refusal before it becomes an exception, which a noexcept function turns into an abort.
void record_refused_memory() {
  if (memory_note != nullptr) memory_note->store(note_of(resource::memory), std::memory_order_relaxed);
  if (handler_before == nullptr) throw std::bad_alloc();
  handler_before();
}

/// Bytes of private writable mappings: what the kernel holds against RLIMIT_DATA. 0 when it does not tell.
std::uint64_t data_bytes() noexcept {
  std::FILE* status = std::fopen("/proc/self/status", "re");
  if (status == nullptr) return 0;
  char line[256];
  unsigned long long kib = 0;
  while (std::fgets(line, sizeof line, status) != nullptr && std::sscanf(line, "VmData: %llu", &kib) != 1) {
  }
  std::fclose(status);
  return kib * 1024;
}

std::uintptr_t find_end_of_stack() noexcept {
  std::FILE* maps = std::fopen("/proc/self/maps", "re");
  if (maps == nullptr) return 0;
  char line[512];
  std::uintptr_t found = 0;
  while (found == 0 && std::fgets(line, sizeof line, maps) != nullptr) {
    unsigned long from = 0, end = 0;
    if (std::strstr(line, "[stack]") != nullptr && std::sscanf(line, "%lx-%lx", &from, &end) == 2) found = end;
  }
  std::fclose(maps);
  return found;
}

rlimit limit_at_start(int which) noexcept {
  rlimit now{};
  ::getrlimit(static_cast<__rlimit_resource>(which), &now);
  return now;
}

std::uint64_t reach_of(const rlimit& stack) noexcept {
  return stack.rlim_cur == RLIM_INFINITY ? most_stack_limit : stack.rlim_cur;
}

std::uint64_t stack_in_use() noexcept {
  return end_of_stack() - reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
}

std::uint64_t sum(std::uint64_t base, std::uint64_t more) noexcept {
  return more > limit_values::none - base ? limit_values::none : base + more;
}

static_assert(RLIM_INFINITY == limit_values::none);

}  // namespace

task_limits::task_limits(const limit_values& pool, std::atomic<std::uint32_t>& note) noexcept
    : base_bytes_(data_bytes()), pool_files_(pool.files), no_children_(pool.processes == 0) {
  stack_reach_ = reach_of(limit_at_start(RLIMIT_STACK));
  seal(memory_, RLIMIT_DATA, sum(base_bytes_, pool.memory));
  seal(files_, RLIMIT_NOFILE, limit_values::none);
  seal(stack_, RLIMIT_STACK, pool.stack);
  note_place = &note;
  handler_before = std::set_new_handler(record_refused_memory);
  sigevent kill{};
  kill.sigev_notify = SIGEV_SIGNAL;
  kill.sigev_signo = SIGKILL;
  has_timer_ = ::timer_create(CLOCK_PROCESS_CPUTIME_ID, &kill, &timer_) == 0;
}

void task_limits::seal(soft_limit& limit, int which, std::uint64_t most) noexcept {
  limit.which = which;
  limit.at_start = limit_at_start(which);
  limit.at_start.rlim_max = std::min<rlim_t>(limit.at_start.rlim_max, most);
  limit.at_start.rlim_cur = std::min(limit.at_start.rlim_cur, limit.at_start.rlim_max);
  if (most != limit_values::none) ::setrlimit(static_cast<__rlimit_resource>(which), &limit.at_start);
}

void task_limits::seal_files(unsigned most_open) noexcept { seal(files_, RLIMIT_NOFILE, sum(most_open, pool_files_)); }

/// The kernel checks the limit only when a stack grows: what an earlier task has used beyond it is unmapped. Nothing
/// else lies there, see process_limits::stack.
void task_limits::cut_stack(std::uint64_t wanted) noexcept {
  const auto next = wanted == limit_values::none ? reach_of(stack_.at_start) : wanted;
  if (next < stack_reach_ && end_of_stack() != 0)
    ::munmap(
        reinterpret_cast<void*>((end_of_stack() - stack_reach_) & ~page_mask),  // NOLINT(performance-no-int-to-ptr)
        (stack_reach_ - next) & ~page_mask);
  stack_reach_ = next;
}

bool task_limits::set(soft_limit& limit, std::uint64_t wanted) noexcept {
  if (limit.wanted == wanted) return true;
  rlimit next = limit.at_start;
  if (wanted != limit_values::none) next.rlim_cur = std::min<rlim_t>(next.rlim_max, wanted);
  if (::setrlimit(static_cast<__rlimit_resource>(limit.which), &next) != 0) return false;
  limit.wanted = wanted;
  return true;
}

std::optional<std::string> task_limits::begin(const limit_values& task, unsigned open,
                                              std::atomic<std::uint64_t>& cpu_end_ns) {
  const bool memory_limited = task.memory != limit_values::none;
  memory_note = memory_limited ? note_place : nullptr;
  if (memory_limited && base_bytes_ == 0) return "limits.memory cannot be kept: /proc/self/status is not to be read";
  if (!set(memory_, sum(base_bytes_, task.memory))) return "limits.memory cannot be kept: setrlimit is refused";
  if (task.files != limit_values::none && open == ~0U)
    return "limits.files cannot be kept: /proc/self/fd is not to be read";
  if (!set(files_, sum(open, task.files))) return "limits.files cannot be kept: setrlimit is refused";
  const bool stack_limited = task.stack != limit_values::none;
  if (stack_limited && end_of_stack() == 0) return "limits.stack cannot be kept: /proc/self/maps is not to be read";
  if (stack_limited && task.stack < stack_in_use() + least_room)
    return "limits.stack cannot be kept: environment, arguments and the worker itself take most of it";
  stack_floor.store(stack_limited ? end_of_stack() - task.stack : 0, std::memory_order_relaxed);
  cut_stack(task.stack);
  if (!set(stack_, task.stack)) return "limits.stack cannot be kept: setrlimit is refused";
  cpu_limited_ = task.cpu_ns != limit_values::none;
  if (!cpu_limited_) return std::nullopt;
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  const auto now = static_cast<std::uint64_t>(used.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(used.tv_nsec);
  const auto end = sum(now, task.cpu_ns);
  cpu_end_ns.store(end, std::memory_order_relaxed);
  itimerspec when{};
  when.it_value.tv_sec = static_cast<time_t>(end / 1'000'000'000);
  when.it_value.tv_nsec = static_cast<long>(end % 1'000'000'000);
  if (!has_timer_ || ::timer_settime(timer_, TIMER_ABSTIME, &when, nullptr) != 0)
    return "limits.cpu cannot be kept: there is no timer to be had (ulimit -i)";
  return std::nullopt;
}

std::uintptr_t end_of_stack() noexcept {
  static const std::uintptr_t found = find_end_of_stack();
  return found;
}

void record_stack_overflow(const void* address) noexcept {
  const auto floor = stack_floor.load(std::memory_order_relaxed);
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  if (floor != 0 && at < floor && at >= floor - largest_frame)
    note_place->store(note_of(resource::stack), std::memory_order_relaxed);
}

void task_limits::end() noexcept {
  if (!cpu_limited_) return;
  const itimerspec never{};
  ::timer_settime(timer_, 0, &never, nullptr);
}

std::optional<resource> task_limits::blame() noexcept {
  const bool memory_limited = memory_note != nullptr;
  if (memory_limited) set(memory_, limit_values::none);
  try {
    throw;
  } catch (const std::bad_array_new_length&) {  // a length that no memory would do for
  } catch (const std::bad_alloc&) {
    if (memory_limited) return resource::memory;
  } catch (const std::system_error& e) {
    if (no_children_ && e.code() == std::errc::resource_unavailable_try_again) return resource::processes;
    if (files_.wanted != limit_values::none && e.code() == std::errc::too_many_files_open) return resource::files;
  } catch (...) {
  }
  return std::nullopt;
}

}  // namespace workit::workers
