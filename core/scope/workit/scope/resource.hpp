// scope_acquire: hands a resource to a scope, which releases it when it closes.
#pragma once

#include <workit/scope/detail/resource_function.hpp>
#include <workit/scope/detail/slot.hpp>

namespace workit {

/// How a resource is acquired and released.
struct resource_options {
  std::string name = "resource";       ///< 1 to 128 bytes; of the task that acquires it
  std::optional<time_span> timeout{};  ///< of its release, as defer_options::timeout
};

/// Hands `resource`, which the caller has acquired, to a scope or task; what comes back refers to it. `release` is a
/// cleanup of the owner (see context::defer), called once with the resource, or with a context and the resource: after
/// all that the owner has started, last in first out among its defers, shielded and bounded; what it throws becomes an
/// event.
///
///   auto& session = workit::scope_acquire(scope, pool.checkout(), [&](Session& s) { pool.put_back(s); });
///
/// Blocks: no. Cancel: no cancel point. Threads: as context::defer. Errors: as context::defer; the resource is released
/// all the same, by the owner's own bound. Lifetime: the resource is destroyed when its release has returned.
template <class R, class Release>
  requires detail::resource_function<std::decay_t<Release>, std::decay_t<R>> std::decay_t<R>
&scope_acquire(context& owner, defer_options options, R&& resource, Release&& release) {
  struct holder {
    std::decay_t<R> resource;
    std::decay_t<Release> release;
  };
  std::shared_ptr<holder> held(new holder{std::forward<R>(resource), std::forward<Release>(release)});
  auto& there = held->resource;
  detail::add_release(
      owner.node(), {[held = std::move(held)](context& ctx) { detail::call_with(held->release, ctx, held->resource); },
                     options.timeout});
  return there;
}
template <class R, class Release>
  requires detail::resource_function<std::decay_t<Release>, std::decay_t<R>> std::decay_t<R>
&scope_acquire(context& owner, R&& resource, Release&& release) {
  return scope_acquire(owner, defer_options{}, std::forward<R>(resource), std::forward<Release>(release));
}

}  // namespace workit
