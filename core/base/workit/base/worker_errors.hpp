// worker_errors: how a task behind a worker boundary can end, other than with its value or its stop.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>
#include <workit/base/errors.hpp>

namespace workit {

/// What one call behind a boundary has taken, or one attempt of it.
struct worker_usage {
  pid_t worker = 0;               ///< the process that ran it; 0 when it never came to one
  duration queued{};              ///< from the call until a worker had it
  duration ran{};                 ///< from there until its end was known
  std::optional<duration> cpu{};  ///< user and system time of the task; nothing when the worker could not say any more
  std::optional<std::uint64_t> largest_rss{};  ///< bytes: the worker's resident memory at its highest
  /// The last 64 KiB of what the task has written to its standard output and error, as they came; of a pool with
  /// worker_output::captured only. Anything may stand in it.
  std::string output{};
  std::uint64_t output_dropped = 0;  ///< bytes that came before these, and are gone
  std::size_t attempt = 1;           ///< which of offload_options::attempts
};

/// Base of the errors of work that had a worker. Thrown by the task function that offload() made.
class worker_error : public error {
 public:
  worker_error(const std::string& what, worker_usage used) : error(what), used_(std::move(used)) {}
  [[nodiscard]] const worker_usage& used() const noexcept { return used_; }

 private:
  worker_usage used_;
};

/// An exception in words.
struct exception_text {
  std::string type;     ///< demangled, e.g. "std::invalid_argument"
  std::string message;  ///< its what()
};

/// An exception in a worker process, by name: its type cannot travel. what() has its causes, too. A text that was
/// longer than what travels ends with how long it was.
class remote_error : public worker_error {
 public:
  remote_error(std::string type, std::string what, std::string backtrace = {}, worker_usage used = {},
               std::vector<exception_text> causes = {});
  /// The demangled type, e.g. "std::invalid_argument".
  [[nodiscard]] const std::string& type() const noexcept { return type_; }
  /// The remote what().
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  /// Where it was thrown, a frame a line, the innermost first; empty when that is not known.
  [[nodiscard]] const std::string& backtrace() const noexcept { return backtrace_; }
  /// The exceptions nested in it (std::throw_with_nested), the one that it was thrown for first; and those that an
  /// aggregate_error holds, each followed by its own causes. 16 at most; the last says so when there are more.
  [[nodiscard]] const std::vector<exception_text>& causes() const noexcept { return causes_; }

 private:
  std::string type_;
  std::string message_;
  std::string backtrace_;
  std::vector<exception_text> causes_;
};

/// How a worker ended by itself.
struct crash_facts {
  int signal = 0;                                 ///< else 0
  int exit_code = 0;                              ///< when there is no signal
  std::optional<std::uintptr_t> fault_address{};  ///< of SIGSEGV, SIGBUS, SIGILL, SIGFPE
  bool core_dumped = false;                       ///< the kernel says that it wrote a core file (or a handler took it)
  std::string backtrace{};                        ///< a frame a line, the innermost first; empty when unknown
};

/// The worker process ended before its task did, and this runtime had not stopped it. what() ends with the last line of
/// the task's output, where that was captured.
class worker_crashed : public worker_error {
 public:
  worker_crashed(std::string task, crash_facts how, worker_usage used = {});
  /// One of `signal` and `exit_code` tells; the other is 0.
  worker_crashed(std::string task, int signal, int exit_code)
      : worker_crashed(std::move(task), crash_facts{.signal = signal, .exit_code = exit_code}) {}
  [[nodiscard]] int signal() const noexcept { return how_.signal; }
  [[nodiscard]] int exit_code() const noexcept { return how_.exit_code; }
  [[nodiscard]] const crash_facts& how() const noexcept { return how_; }

 protected:
  worker_crashed(const std::string& what, int signal, worker_usage used)
      : worker_error(what, std::move(used)), how_{.signal = signal} {}

 private:
  crash_facts how_;
};

/// Whether the kernel has killed for want of memory.
enum class out_of_memory : std::uint8_t { no, likely, unknown };
[[nodiscard]] std::string_view to_string(out_of_memory guess) noexcept;

/// A process other than this runtime killed the worker with SIGKILL.
class killed_externally : public worker_crashed {
 public:
  killed_externally(std::string task, out_of_memory guess, worker_usage used = {});
  /// Whether it was the kernel's out-of-memory killer.
  [[nodiscard]] out_of_memory oom() const noexcept { return oom_; }

 private:
  out_of_memory oom_;
};

/// The task's zygote is gone, and its worker with it, through no fault of the task. The task's progress is unknown. The
/// pool starts another zygote by itself.
class zygote_lost : public worker_error {
 public:
  /// `zygote`: what became of it, as the end of a sentence: "died of signal 9".
  zygote_lost(std::string task, std::string zygote, worker_usage used = {});
  [[nodiscard]] const std::string& zygote() const noexcept { return zygote_; }

 private:
  std::string zygote_;
};

/// What a task can have too much of.
enum class resource : std::uint8_t { memory, cpu, files, processes, output, stack };
[[nodiscard]] std::string_view to_string(resource r) noexcept;

/// The task reached a limit of its pool or call.
class resource_exceeded : public worker_error {
 public:
  /// `limit`: bytes of memory, output and stack; nanoseconds of cpu; a count of the others.
  resource_exceeded(std::string task, resource what, std::uint64_t limit, worker_usage used = {});
  [[nodiscard]] workit::resource resource() const noexcept { return what_; }
  [[nodiscard]] std::uint64_t limit() const noexcept { return limit_; }

 private:
  workit::resource what_;
  std::uint64_t limit_;
};

/// The task made a system call that its sandbox forbids; the kernel did not run it, and the worker is lost.
class sandbox_violated : public worker_error {
 public:
  /// `name`: e.g. "openat"; "system call 999" where it has none.
  sandbox_violated(std::string task, int number, std::string name, worker_usage used = {});
  [[nodiscard]] int number() const noexcept { return number_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  int number_;
  std::string name_;
};

/// The pool has as many tasks waiting as it may, and was told to refuse more.
class queue_full : public start_failed {
 public:
  queue_full(const std::string& task, const std::string& pool, std::size_t limit);
  /// How many may wait.
  [[nodiscard]] std::size_t limit() const noexcept { return limit_; }

 private:
  std::size_t limit_;
};

/// The pool is being shut down: it takes no more tasks, and those that were waiting never began.
class pool_stopped : public start_failed {
 public:
  pool_stopped(const std::string& task, const std::string& pool);
};

}  // namespace workit
