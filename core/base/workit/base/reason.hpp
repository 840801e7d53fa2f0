// cancel_reason: why something was cancelled, as a closed set.
#pragma once

#include <any>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <workit/base/amount.hpp>
#include <workit/base/deadline_point.hpp>

namespace workit {

/// A scope or task, unique within the process; for correlation, never a metric label.
using work_id = std::uint64_t;

namespace reason {

/// The user asked.
struct user {
  std::string message{};
};
/// A scope's deadline passed. `lateness` is how far past it the cancellation was decided.
struct deadline {
  deadline_point at{};
  duration lateness{};
};
/// A time limit on one operation ran out.
struct timeout {
  time_span limit{};
};
/// The body of the scope failed.
struct parent_failed {
  std::exception_ptr error{};
};
/// Another task of the scope failed.
struct sibling_failed {
  work_id sibling = 0;
  std::string name{};
  std::exception_ptr error{};
};
/// Another candidate won.
struct race_lost {
  work_id winner = 0;
};
/// A charge did not fit into a budget.
struct budget {
  std::string key{};
  amount limit{};
  amount spent{};      ///< what the refused charge would have brought it to
  amount attempted{};  ///< the charge
  std::string unit{};  ///< empty when the key has none
};
/// The scope's body left by `cancelled`, so what it had spawned is not wanted any more.
struct scope_ended {};
/// The runtime is going down.
struct shutdown {};
/// An application's own reason, e.g. {.tag = "client_disconnected"}.
struct manual {
  std::string tag{};
  std::any data{};
};

/// The closed set.
using any = std::variant<user, deadline, timeout, parent_failed, sibling_failed, race_lost, budget, scope_ended,
                         shutdown, manual>;

template <class R, class Any>
inline constexpr bool is_alternative = false;
template <class R, class... All>
inline constexpr bool is_alternative<R, std::variant<All...>> = (std::is_same_v<R, All> || ...);
/// One of the set.
template <class R>
concept alternative = is_alternative<R, any>;

}  // namespace reason

/// Visiting it is exhaustive at compile time. The first reason of a scope or task is the one that stays.
/// It is a class, and what copies it is compiled once, because every header of the runtime names it.
class cancel_reason : public reason::any {
 public:
  static constexpr std::size_t kinds = std::variant_size_v<reason::any>;

  /// reason::user, which says nothing.
  cancel_reason();
  template <reason::alternative R>
  cancel_reason(R why) : reason::any(std::in_place_type<R>, std::move(why)) {}
  cancel_reason(const cancel_reason& other);
  cancel_reason(cancel_reason&& other) noexcept;
  cancel_reason& operator=(const cancel_reason& other);
  cancel_reason& operator=(cancel_reason&& other) noexcept;
  ~cancel_reason();
};

/// A cancellation: why, and the machine's instant of it.
struct cancel_record {
  cancel_reason why;
  time_point at;
};

/// The alternative's name, as in "sibling_failed".
[[nodiscard]] std::string_view kind_of(const cancel_reason& why) noexcept;

/// One phrase for people, as in "manual: client_disconnected".
[[nodiscard]] std::string describe(const cancel_reason& why);

}  // namespace workit
