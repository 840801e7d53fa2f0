// progress: what a body says about how far it has got.
#pragma once

#include <optional>
#include <string_view>
#include <workit/base/field.hpp>

namespace workit::event {

/// What a body said about its progress. What it did not say is absent.
struct progress {
  std::optional<double> pct{};                ///< the share that is done, 0 to 1
  std::optional<std::string_view> message{};  ///< for people
  fields data{};                              ///< for machines
};

}  // namespace workit::event
