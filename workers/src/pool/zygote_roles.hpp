// The zygote groups of a pool: the one that serves, the one that is to follow it, and those that are leaving.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "zygote_group.hpp"

namespace workit::workers {

/// External synchronisation: the pool's mutex.
///
/// Invariants
/// 1. Tasks are given to workers of serving() only; next() becomes serving(), or goes, and never anything else.
/// 2. A group that has neither role is retired: it gets no new worker and is dismissed once no worker of it has a task.
/// 3. A group is listed until its zygote has been cleared away and none of its workers is alive.
class zygote_roles {
 public:
  using group = std::shared_ptr<zygote_group>;
  enum class role : std::uint8_t { serving, next };

  void add(group fresh, role r);
  /// Null while its zygote is being replaced, or cannot be.
  [[nodiscard]] const group& serving() const noexcept { return serving_; }
  /// Null unless a reload is under way.
  [[nodiscard]] const group& next() const noexcept { return next_; }
  [[nodiscard]] const std::vector<group>& all() const noexcept { return all_; }
  [[nodiscard]] bool is_serving(const zygote_group& g) const noexcept { return &g == serving_.get(); }
  [[nodiscard]] bool is_next(const zygote_group& g) const noexcept { return &g == next_.get(); }
  [[nodiscard]] bool is_retired(const zygote_group& g) const noexcept { return !is_serving(g) && !is_next(g); }

  /// Whether a task could be given to a worker now or after it has started: there is a serving group with workers.
  [[nodiscard]] bool has_worker() const noexcept { return serving_ != nullptr && serving_->alive() != 0; }
  [[nodiscard]] bool has_idle_worker() const noexcept { return serving_ != nullptr && !serving_->idle.empty(); }

  /// next() serves. Returns the group that served before; null when none did. Requires: next().
  [[nodiscard]] group promote_next();
  void drop_serving() noexcept { serving_.reset(); }
  void drop_next() noexcept { next_.reset(); }
  /// Dismisses a retired group that has no task left.
  void dismiss_if_done(zygote_group& g) noexcept;
  /// Takes the group off the list if invariant 3 lets it.
  void forget_if_over(const zygote_group& g);
  [[nodiscard]] bool are_all_cleared() const noexcept;
  void clear() noexcept;

 private:
  group serving_;
  group next_;
  std::vector<group> all_;
};

}  // namespace workit::workers
