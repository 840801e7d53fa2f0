// shared_task<T>: a handle on a task that several wait for.
#pragma once

#include <workit/scope/task.hpp>

namespace workit {

/// Like task<T>, but every copy may ask, as often as it likes, and all get the same value or the same exception. The
/// value stays where it is until the last handle is gone. cancel() ends the task for all holders: to give up
/// one's interest, drop the handle.
///
/// Threads: any, as task_handle says; what the value allows to be read at once is its own affair.
template <class T>
class shared_task : public task_handle {
  static_assert(!std::is_rvalue_reference_v<T>, "a task that returns T&& lets its value be taken once: use spawn()");
  static constexpr bool is_plain = !std::is_void_v<T> && !std::is_reference_v<T>;

 public:
  using value_type = T;
  /// const T& for values, T itself for references and void.
  using reference = std::conditional_t<is_plain, std::add_lvalue_reference_t<std::add_const_t<T>>, T>;

  /// The value. Blocks: as wait(). Cancel: as wait(). Errors: what the task threw, to every caller the same object;
  /// task_cancelled when it was cancelled. Lifetime: as long as there is a handle.
  reference get() const& {
    wait();
    const auto& ended = state<T>();
    if (ended.status() != task_status::succeeded) ended.throw_failure();
    if constexpr (is_plain)
      return *ended.value;
    else if constexpr (std::is_reference_v<T>)
      return **ended.value;
  }
  /// A copy, since this handle may be the last one.
  T get() const&& requires(!is_plain || std::is_copy_constructible_v<T>) {
    return static_cast<const shared_task&>(*this).get();
  }
  void get() const&& requires(is_plain && !std::is_copy_constructible_v<T>) = delete;

  /// For the functions that spawn; users get handles from scope::spawn_once.
  explicit shared_task(std::shared_ptr<detail::task_state<T>> state) noexcept : task_handle(std::move(state)) {}
};

}  // namespace workit
