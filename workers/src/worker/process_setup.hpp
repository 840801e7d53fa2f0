// What a new zygote or worker resets of the state it has inherited.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <optional>
#include <string_view>

namespace workit::workers {

/// Every signal to its default action, none blocked; but SIGXFSZ is ignored.
void reset_signals() noexcept;

/// Processors, policy and niceness as the operator gave them to the process `host`, whatever the thread that started
/// this one has: run_as_process(). Default timer slack and out-of-memory score.
void reset_scheduling(pid_t host, const std::optional<cpu_set_t>& cpus) noexcept;

/// Descriptor 0 becomes /dev/null; 1 and 2 too if they are closed.
void reset_standard_descriptors() noexcept;

/// Descriptors 1 and 2 become /dev/null.
void discard_output() noexcept;

/// The name in ps and top, 15 characters at most.
void set_process_name(const char* name) noexcept;

/// How much the kernel prefers this process when memory runs out, -1000 to 1000.
void set_oom_score(std::string_view score) noexcept;

/// How many threads this process has; one that was just joined can still be among them. About a microsecond.
[[nodiscard]] unsigned count_threads() noexcept;

/// How many of them are not on their way out. Slower: a file is read for each.
[[nodiscard]] unsigned count_living_threads() noexcept;

/// How many a process has before any code has started one: 1, and 2 under ThreadSanitizer, which runs one of its own.
[[nodiscard]] unsigned baseline_threads() noexcept;

}  // namespace workit::workers
