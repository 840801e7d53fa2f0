// take_snapshot: copies the tree of a loop into a snapshot.
#pragma once

#include <workit/scope/snapshot.hpp>

namespace workit::detail {

class loop;
class scope_node;

/// What an error says. Threads: any.
[[nodiscard]] failure_snapshot failure_of(const std::exception_ptr& error);
/// Threads: the scope's home loop; any once its loop has ended.
[[nodiscard]] scope_snapshot take_snapshot(const scope_node& of);
/// Adds the loop's roots. Threads: the loop's.
void take_roots(const loop& of, runtime_snapshot& into);

}  // namespace workit::detail
