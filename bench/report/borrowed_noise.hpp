// What all series together tell of the noise of each.
#pragma once

#include <vector>

namespace workit::bench_report {

/// The variance of an estimate, and the degrees of freedom with which it is known.
struct noise {
  double variance = 0;
  double freedom = 1;
};

/// Of few rounds a variance is known badly, but there are many series: each one's is drawn towards what is usual among
/// them, the more the more alike they are, and counts as known from as many more rounds. Where they differ widely
/// nothing is drawn (Smyth 2004, "Linear models and empirical Bayes methods", section 6). A variance of zero is of what
/// never varies, and stays.
void borrow(std::vector<noise*> all);

}  // namespace workit::bench_report
