// lazy_core: one acquisition in flight, owned by the scope, and one release.
//
// Invariants
// 1. empty -> held when acquire has returned, in the same step that registers the release; held -> released when that
//    begins. So a resource that was acquired is released, whichever task is cancelled.
// 2. The task that acquires lives under a key of the owner: there is one at a time.
// Lock order: there are no locks; all is the owner's loop's.
#include <workit/scope/detail/lazy_core.hpp>

#include <workit/base/assert.hpp>
#include <workit/fiber/detail/loop.hpp>

#include <workit/base/detail/check_option.hpp>
#include <workit/base/detail/names.hpp>
#include <workit/scope/detail/scope_node.hpp>
#include "scope_registry.hpp"

namespace workit::detail {
namespace {

std::uint64_t next_number() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

void check(const resource_options& options) {
  check_name("a resource's", options.name);
  WORKIT_CHECK_OPTION(!options.timeout || *options.timeout > duration::zero(),
                      "resource \"" + options.name + "\": the time-out of its release has to be more than zero");
}

void check_thread(const node& owner, const std::string& resource) {
  WORKIT_ASSERT(loop::current() == owner.home, "resource \"" + resource + "\" of scope \"" + owner.name +
                                                   "\" was asked for on another thread: it is its loop's");
}

}  // namespace

lazy_core::lazy_core(workit::scope& owner, resource_options options)
    : owner_(std::static_pointer_cast<scope_node>(owner.node().shared_from_this())),
      options_(std::move(options)),
      key_("workit.resource/" + std::to_string(next_number())) {
  check(options_);
}

void lazy_core::require_held() {
  const auto owner = owner_.lock();
  WORKIT_ASSERT(owner != nullptr && owner->now_in != scope_node::phase::closed,
                "resource \"" + options_.name + "\" was asked for after its scope has closed");
  check_thread(*owner, options_.name);
  WORKIT_ASSERT(now_ != state::released, "resource \"" + options_.name + "\" of scope \"" + owner->name +
                                             "\" was asked for after it was released: a cleanup that needs it has to "
                                             "be registered after it was acquired");
  if (now_ == state::held) return;
  const auto acquiring = scope_context(*owner).spawn_once(
      key_, {.name = options_.name, .background = true},
      [self = shared_from_this(), owner = owner.get()](context& ctx) { self->acquire_for(*owner, ctx); });
  acquiring.get();
}

void lazy_core::acquire_for(scope_node& owner, context& ctx) {
  acquire(ctx);
  now_ = state::held;
  add_release(owner, {[self = shared_from_this()](context& cleanup) {
                        self->now_ = state::released;
                        self->release(cleanup);
                      },
                      options_.timeout});
}

std::uint64_t new_definition(const resource_options& options) {
  check(options);
  return next_number();
}

std::shared_ptr<lazy_core>& shared_in(workit::scope& owner, std::uint64_t definition) {
  check_thread(owner.node(), "shared");
  return scope_registry::of(owner.node()).resources[definition];
}

}  // namespace workit::detail
