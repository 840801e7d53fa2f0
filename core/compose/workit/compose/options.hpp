// compose_options: what the composables that start several branches have in common.
#pragma once

#include <string_view>
#include <workit/base/time_span.hpp>

namespace workit {

struct compose_options {
  /// How long a branch that was told to stop may take before it is reported as event::loser_unresponsive, each second
  /// from then on. It is waited for all the same: its frame may be referred to. A second is longer than any cooperative
  /// branch needs to reach its next cancel point.
  time_span grace = std::chrono::seconds(1);
};

namespace detail {
/// Errors: std::invalid_argument for options that cannot be; `what` is the composable, for the sentence.
void check_options(std::string_view what, const compose_options& options);
}  // namespace detail

}  // namespace workit
