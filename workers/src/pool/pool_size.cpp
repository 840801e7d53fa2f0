// pool_size: see the header.
#include "pool_size.hpp"

#include <algorithm>
#include <functional>
#include <workit/base/detail/split_mix64.hpp>

#include "worker_handle.hpp"
#include "worker_memory.hpp"
#include "zygote_group.hpp"

namespace workit::workers {

std::size_t pool_size::wanted(std::size_t demand) const noexcept {
  if (!options_.idle_shrink) return options_.workers + options_.spares;
  return std::min(options_.workers, std::max(options_.min_workers, demand)) + options_.spares;
}

std::uint64_t pool_size::share_of(std::uint64_t most, std::uint32_t worker, const std::string& pool) noexcept {
  namespace random = workit::detail::split_mix64;
  const auto x = random::mix((std::hash<std::string>()(pool) ^ worker) * random::golden);
  return most - x % (most / 4 + 1);
}

bool pool_size::is_spent(const worker_handle& worker) const noexcept {
  if (worker.control().result.left_behind.load(std::memory_order_relaxed) != 0) return true;
  const auto share = [&](std::uint64_t most) { return share_of(most, worker.number, options_.name); };
  if (options_.max_tasks != 0 && worker.tasks >= share(options_.max_tasks)) return true;
  if (options_.max_growth == 0) return false;
  const auto now = anonymous_memory_of(worker.pid);
  return now > worker.first_memory && now - worker.first_memory > share(options_.max_growth);
}

std::optional<time_point> pool_size::shrink_at(const zygote_group& serving, std::size_t demand) const noexcept {
  if (!options_.idle_shrink || serving.idle.empty() || serving.alive() <= wanted(demand)) return std::nullopt;
  const auto at = deadline_point::in(*options_.idle_shrink, serving.idle.front()->idle_since);
  return at.is_never() ? std::nullopt : std::optional(at.at());
}

}  // namespace workit::workers
