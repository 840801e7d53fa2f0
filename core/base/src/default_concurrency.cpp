// default_concurrency: the processors of the start, and the quotas of cgroups(7).
#include <workit/base/default_concurrency.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <workit/base/detail/own_cgroups.hpp>
#include <workit/base/detail/process_scheduling.hpp>

namespace workit {
namespace detail {
namespace {

std::optional<double> ratio(double quota, double period) {
  if (quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

/// "max 100000" or "150000 100000".
std::optional<double> unified_quota(const std::string& directory) {
  std::ifstream file(directory + "/cpu.max");
  double quota = 0, period = 0;
  return file >> quota >> period ? ratio(quota, period) : std::nullopt;
}

/// -1 for none, in a file of its own.
std::optional<double> older_quota(const std::string& directory) {
  std::ifstream of_quota(directory + "/cpu.cfs_quota_us"), of_period(directory + "/cpu.cfs_period_us");
  double quota = 0, period = 0;
  return of_quota >> quota && of_period >> period ? ratio(quota, period) : std::nullopt;
}

}  // namespace

std::optional<double> cpu_quota(const std::string& proc) {
  std::optional<double> least;
  for (const auto& group : own_cgroups("cpu", proc)) {
    auto below = group.below.value_or("");
    for (bool more = true; more;) {
      const auto directory = group.mount + below;
      const auto quota = group.unified ? unified_quota(directory) : older_quota(directory);
      if (quota) least = std::min(least.value_or(*quota), *quota);
      more = !below.empty();
      below.resize(std::min(below.size(), below.rfind('/')));
    }
  }
  return least;
}

}  // namespace detail

std::size_t default_concurrency() {
  const auto cpus = detail::process_cpus();
  const auto quota = detail::cpu_quota();
  if (!quota || *quota >= static_cast<double>(cpus)) return cpus;
  return std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(*quota)));
}

}  // namespace workit
