// detached and background: what may be started, and in which scope.
#include <workit/compose/detached.hpp>

#include <workit/base/assert.hpp>
#include <workit/compose/background.hpp>

namespace workit::detail {

scope_node& enclosing_scope(context& ctx) {
  auto* owner = ctx.node().nearest_scope();
  WORKIT_ASSERT(owner != nullptr, "background(): \"" + ctx.name() + "\" is in no scope that could own the task");
  return *owner;
}

}  // namespace workit::detail
