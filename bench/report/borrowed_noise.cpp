// Fitting the scaled inverse chi-squared distribution that variances come from, by the moments of their logarithms.
#include "borrowed_noise.hpp"

#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/trigamma.hpp>
#include <cmath>

namespace workit::bench_report {
namespace {

using boost::math::digamma;
using boost::math::trigamma;

constexpr double most_freedom = 200;  // as good as infinite

/// The x at which trigamma, which falls, has that value; at most half of `most_freedom`.
double inverse_trigamma(double value) {
  double low = 1e-3, high = most_freedom / 2;
  if (value <= trigamma(high)) return high;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (trigamma(middle) > value ? low : high) = middle;
  }
  return low;
}

}  // namespace

void borrow(std::vector<noise*> all) {
  std::erase_if(all, [](const noise* n) { return n->variance <= 0; });
  if (all.size() < 3) return;
  const double count = static_cast<double>(all.size());
  std::vector<double> logarithms;
  double mean = 0;
  for (const noise* n : all) {
    logarithms.push_back(std::log(n->variance) - digamma(n->freedom / 2) + std::log(n->freedom / 2));
    mean += logarithms.back() / count;
  }
  double spread = 0;
  for (std::size_t i = 0; i < all.size(); ++i)
    spread += (logarithms[i] - mean) * (logarithms[i] - mean) / (count - 1) - trigamma(all[i]->freedom / 2) / count;
  const double half = inverse_trigamma(spread), freedom = 2 * half;
  const double usual = std::exp(mean + digamma(half) - std::log(half));
  for (noise* n : all) {
    n->variance = (freedom * usual + n->freedom * n->variance) / (freedom + n->freedom);
    n->freedom += freedom;
  }
}

}  // namespace workit::bench_report
