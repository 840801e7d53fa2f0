// pool_calls: see the header. What is not in the list has a substitute (membarrier, futex_waitv, close_range,
// scheduling), or its failure is an error with a sentence where it is made (memfd_create, pidfd_open, socketpair).
#include "pool_calls.hpp"

#include <sys/syscall.h>

#include <climits>
#include <workit/base/detail/needed_calls.hpp>

namespace workit::workers {

void require_calls_of_pool() {
  constexpr long no_file = -1, nonsense = ~0;
  static constexpr workit::detail::needed_call calls[] = {
      {"dup2", SYS_dup2, {no_file, no_file}},      {"getppid", SYS_getppid},
      {"getsockopt", SYS_getsockopt, {no_file}},   {"kill", SYS_kill, {INT_MAX}},
      {"mremap", SYS_mremap, {1, 0, 0, nonsense}}, {"pidfd_send_signal", SYS_pidfd_send_signal, {no_file}},
      {"pipe2", SYS_pipe2, {0, nonsense}},         {"poll", SYS_poll},
      {"ppoll", SYS_ppoll, {0, nonsense}},         {"pread64", SYS_pread64, {no_file}},
      {"pwrite64", SYS_pwrite64, {no_file}},       {"recvmsg", SYS_recvmsg, {no_file}},
      {"sendmsg", SYS_sendmsg, {no_file}},         {"signalfd4", SYS_signalfd4, {no_file}},
      {"wait4", SYS_wait4, {0, 0, nonsense}},      {"waitid", SYS_waitid, {nonsense}},
  };
  workit::detail::require_calls(calls, "a pool of processes");
}

}  // namespace workit::workers
