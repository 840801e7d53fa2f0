// lazy_resource: a resource of a scope that is acquired at its first use.
#pragma once

#include <workit/scope/detail/lazy_core.hpp>

namespace workit {

/// Acquired at the first get() by a task of the owner, and released by a cleanup of it: once, last in first out among
/// its defers from the moment at which it was acquired, shielded and bounded. Never acquired, it is never released.
///
/// The owner runs the acquisition as a background task. A cancelled caller leaves it running for the others. Its
/// failure reaches all callers that wait for it, and not the owner; the next get() after a failure tries again.
///
///   workit::lazy_resource db(scope, {.name = "db"}, open_database, [](database& d) { d.close(); });
///   scope.spawn([db](workit::context&) { db.get().query("..."); });
///
/// `T` is what `acquire`, a task function, returns: a value or a reference. A copy is another handle.
/// Threads: the owner's loop. Lifetime: a handle may outlive its owner.
template <class T>
class lazy_resource {
 public:
  using resource = std::remove_reference_t<T>;

  /// `release` is called with the resource, or with a context and the resource. Blocks: no.
  /// Errors: std::invalid_argument for options beyond their ranges.
  template <detail::task_function Acquire, class Release>
    requires(std::same_as<detail::task_result<Acquire>, T>&& detail::resource_function<Release, resource>)
  lazy_resource(scope& owner, resource_options options, Acquire acquire, Release release)
      : value_(std::make_shared<detail::lazy_resource_of<Acquire, Release>>(owner, std::move(options),
                                                                            std::move(acquire), std::move(release))) {}

  /// The resource. Blocks: the fiber, until it is acquired; within `acquire` for ever. Cancel: throws `cancelled` when
  /// the caller's scope stops first; no cancel point once it is held. Errors: those of `acquire`, to all waiting
  /// callers the same object; task_cancelled when the owner stops. Asserts that the resource was not released and that
  /// its owner is open. Lifetime: until it is released.
  [[nodiscard]] resource& get() const { return value_->get(); }
  [[nodiscard]] bool is_held() const noexcept { return value_->is_held(); }

 private:
  std::shared_ptr<detail::lazy_value<T>> value_;
};

template <class Acquire, class Release>
lazy_resource(scope&, resource_options, Acquire, Release) -> lazy_resource<detail::task_result<Acquire>>;

}  // namespace workit
