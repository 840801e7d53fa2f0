// overloaded: several lambdas as one visitor of a variant.
#pragma once

namespace workit::detail {

template <class... F>
struct overloaded : F... {
  using F::operator()...;
};
template <class... F>
overloaded(F...) -> overloaded<F...>;  // clang 14 does not deduce it for aggregates

}  // namespace workit::detail
