// commons: what the tasks of one scope have in common.
#pragma once

#include <map>
#include <workit/scope/detail/lazy_core.hpp>

namespace workit::detail {

/// Made when the first of it comes. Threads: the home loop's.
struct commons {
  /// That of a scope.
  [[nodiscard]] static commons& of(node& scope) {
    auto& shared = scope.with_extras().shared;
    if (shared == nullptr) shared = std::make_unique<commons>();
    return *shared;
  }

  /// The tasks that were spawned under a key and have not ended.
  std::map<std::string, std::shared_ptr<task_state_base>, std::less<>> live_keys;
  /// What the scope has of shared resources, by their definitions.
  std::map<std::uint64_t, std::shared_ptr<lazy_core>> resources;
};

}  // namespace workit::detail
