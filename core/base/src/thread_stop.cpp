// thread_stop: the words of a stop at the thread boundary.
#include <workit/base/thread_stop.hpp>

#include <array>

namespace workit {

std::string_view to_string(leaving l) noexcept {
  static constexpr std::array<std::string_view, 3> names{"in_place", "critical_exit", "frame_return"};
  return names[static_cast<std::size_t>(l)];
}

std::string_view to_string(obstacle o) noexcept {
  static constexpr std::array<std::string_view, 11> names{
      "none",       "lock_held", "allocator",   "static_init", "exception_in_flight", "foreign_module",
      "blocked_in", "too_deep",  "other_stack", "no_unwind",   "signal_blocked"};
  return names[static_cast<std::size_t>(o)];
}

std::string describe(const stop_refusal& r) {
  std::string said{to_string(r.kind)};
  if (!r.detail.empty()) said += '{' + r.detail + '}';
  return said;
}

}  // namespace workit
