// The rules for how many workers a pool has, and for how long it has each.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <workit/base/clock.hpp>
#include <workit/workers/process_options.hpp>

namespace workit::workers {

class worker_handle;
struct zygote_group;

/// Computed from the options alone; keeps nothing. Threads: any. Lifetime: the options outlive it.
class pool_size {
 public:
  explicit pool_size(const process_options& options) noexcept : options_(options) {}

  /// How many workers there are to be. `demand`: tasks that run or wait.
  [[nodiscard]] std::size_t wanted(std::size_t demand) const noexcept;
  /// The same of one zygote group; one that is not `proven` has at least one, which shows whether there can be any.
  [[nodiscard]] std::size_t wanted_from(bool proven, std::size_t demand) const noexcept {
    return std::max<std::size_t>(proven ? 0 : 1, wanted(demand));
  }
  /// How many lost workers may be waited for: a storm of stops must not pile up their memory without bound.
  [[nodiscard]] static std::size_t most_dying(std::size_t wanted) noexcept {
    return std::max<std::size_t>(16, 4 * wanted);
  }

  /// Whether a worker is to be replaced after its task: it has left something behind, or its share of `max_tasks` or
  /// `max_growth` is used up. Blocks: with max_growth it reads one file of /proc.
  [[nodiscard]] bool is_spent(const worker_handle& worker) const noexcept;
  /// That worker's share of a limit: between three quarters of `most` and all of it, the same in each run of the
  /// program, so that workers do not go together.
  [[nodiscard]] static std::uint64_t share_of(std::uint64_t most, std::uint32_t worker,
                                              const std::string& pool) noexcept;

  /// When the worker that has been idle longest may go, if there are too many; nothing otherwise.
  [[nodiscard]] std::optional<time_point> shrink_at(const zygote_group& serving, std::size_t demand) const noexcept;

 private:
  const process_options& options_;
};

}  // namespace workit::workers
