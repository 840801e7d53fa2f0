// spawn_once: the tasks of a scope that live under a key.
//
// Invariants
// 1. A key is in the registry from the launch of its task until that settles: the task's last act on its loop is to
// take
//    it out. What is spawned in a stopping scope settles at once and is never in.
// Lock order: there are no locks; all is the home loop's.
#include <workit/base/assert.hpp>
#include <workit/fiber/detail/loop.hpp>
#include <workit/scope/scope.hpp>

#include <workit/base/detail/check_option.hpp>
#include "scope_registry.hpp"

namespace workit {

std::shared_ptr<detail::task_state_base> scope_context::live_under(std::string_view key,
                                                                   const task_options& options) const {
  constexpr std::size_t longest = 512;
  WORKIT_CHECK_OPTION(!key.empty() && key.size() <= longest, "scope \"" + node_->name + "\": a key of spawn_once has " +
                                                                 std::to_string(key.size()) +
                                                                 " characters; it may have 1 to 512");
  WORKIT_ASSERT(detail::loop::current() == node_->home,
                "task \"" + options.name +
                    "\" was spawned under a key from another thread: keys are their loop's; use "
                    "scope.remote().spawn and spawn_once in there");
  if (!node_->extras || !node_->extras->registry) return nullptr;
  const auto& live = node_->extras->registry->live_keys;
  const auto found = live.find(key);
  return found != live.end() ? found->second : nullptr;
}

void scope_context::launch_under(std::string_view key, std::shared_ptr<detail::task_state_base> state) {
  launch(state);
  if (state->is_settled()) return;
  auto& keys = detail::scope_registry::of(*node_).live_keys;
  const auto place = keys.emplace(key, state).first;
  // The scope outlives the task, for which it waits; the place is valid because only this handler erases it.
  state->when_settled([&keys, place] { keys.erase(place); });
}

void scope_context::refuse_type(std::string_view key, const detail::task_state_base& live) const {
  detail::refuse_option("scope \"" + node_->name + "\": the key \"" + std::string(key) +
                        "\" was asked for with another type of value than task \"" + live.name +
                        "\" has, which lives under it: give each type keys of its own");
}

}  // namespace workit
