// worker_start: see the header.
#include "worker_start.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <workit/preempt/proof.hpp>

#include "command_line.hpp"
#include "messages.hpp"
#include "mm_holder.hpp"
#include "process_setup.hpp"

namespace workit::workers {
namespace {

/// The zygote waits for the answer, or for this process's end.
void report_mm_holder(const worker_setup& setup) noexcept {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);  // until reset_signals()
  const pid_t mm_holder = start_mm_holder(setup.zygote);
  if (::write(setup.mm_holder_pipe, &mm_holder, sizeof mm_holder) != sizeof mm_holder) ::_exit(EXIT_FAILURE);
}

void move_descriptor(int from, int to) noexcept {
  if (from >= 0 && from != to) ::dup3(from, to, O_CLOEXEC);
}

}  // namespace

void start_worker(const worker_setup& setup) noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != setup.zygote) ::_exit(EXIT_FAILURE);  // it ended before the line above
  // A kernel without the barrier refuses: the host's self-test then chooses another proof. It comes before the
  // mm_holder: for a memory with two users the kernel waits until every processor has been through its scheduler.
  static_cast<void>(preempt::register_for_barrier());
  report_mm_holder(setup);
  ::setsid();
  reset_signals();
  set_process_name("workit-worker");
  show_as(worker_name);
  set_oom_score("1000");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // processes that a task detaches stay children of this one
  // 1, not 0: a core that is piped to a program ignores 0 (core(5)), and a dump delays the death it follows.
  const rlimit no_core{1, 1};
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (setup.output == worker_output::null) discard_output();
  // In ascending order: the zygote has none of the sources below its target.
  const auto place = setup.descriptors();
  move_descriptor(setup.block, worker_descriptors::control_block);
  move_descriptor(setup.task_channel, place.task_channel());
  move_descriptor(setup.zygote_channel, place.zygote_channel());
  move_descriptor(setup.captured, place.output_pipe());
  ::closefrom(place.end());
}

}  // namespace workit::workers
