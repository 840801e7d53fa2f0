// The places of resampled quantiles, worked out once for each size of a round.
#include "resampled_quantile.hpp"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "distribution.hpp"

namespace workit::bench_report {
namespace {

using places = std::array<std::size_t, 256>;

/// Where the k-th of n samples drawn with replacement comes from.
places places_of(std::size_t k, std::size_t n) {
  places all;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const double probability = (static_cast<double>(i) + 0.5) / static_cast<double>(all.size());
    const double u = boost::math::ibeta_inv(static_cast<double>(k), static_cast<double>(n - k + 1), probability);
    all[i] = std::min(n - 1, static_cast<std::size_t>(u * static_cast<double>(n)));
  }
  return all;
}

double logarithm(double cost) { return std::log(std::max(cost, std::numeric_limits<double>::min())); }

}  // namespace

resampled_quantile::resampled_quantile(const std::vector<double>& costs, double share) {
  thread_local std::map<std::pair<std::size_t, std::size_t>, places> known;
  const std::size_t n = costs.size(), k = rank(share, n);
  const auto [found, is_new] = known.try_emplace({k, n});
  if (is_new) found->second = places_of(k, n);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = logarithm(costs[found->second[i]]);
  estimate = logarithm(costs[k - 1]);
}

}  // namespace workit::bench_report
