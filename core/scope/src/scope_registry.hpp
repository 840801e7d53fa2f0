// scope_registry: the keyed tasks and the shared resources of one scope.
#pragma once

#include <map>
#include <workit/scope/detail/lazy_core.hpp>

namespace workit::detail {

/// Threads: the home loop's.
struct scope_registry {
  /// The registry of `scope`, made by the first call.
  [[nodiscard]] static scope_registry& of(node& scope) {
    auto& registry = scope.with_extras().registry;
    if (registry == nullptr) registry = std::make_unique<scope_registry>();
    return *registry;
  }

  /// The tasks that were spawned under a key and have not ended.
  std::map<std::string, std::shared_ptr<task_state_base>, std::less<>> live_keys;
  /// The shared resources that the scope holds, by the number of their definition.
  std::map<std::uint64_t, std::shared_ptr<lazy_core>> resources;
};

}  // namespace workit::detail
