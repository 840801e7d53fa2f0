// The seccomp filters as programs: classic BPF over seccomp_data (seccomp(2)).
#pragma once

#include <linux/filter.h>

#include <initializer_list>
#include <vector>

namespace workit::workers {

/// sandbox::compute_only: what is not allowed is announced, and not run. `sockets`: those on which packets can be sent
/// and received. Empty on processors other than x86-64. Errors: std::bad_alloc.
[[nodiscard]] std::vector<sock_filter> compute_only_program(std::initializer_list<int> sockets);

/// fork(2) and its kind fail with EAGAIN; threads do not. As above.
[[nodiscard]] std::vector<sock_filter> no_children_program();

}  // namespace workit::workers
