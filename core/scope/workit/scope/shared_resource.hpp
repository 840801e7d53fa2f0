// shared_resource: how to acquire a resource of which each scope that asks has one, for all its tasks.
#pragma once

#include <workit/scope/detail/lazy_core.hpp>

namespace workit {

/// The object is the definition; the resource itself is the scope's, acquired at the first get() there and released
/// when it closes, as a lazy_resource is. Tasks of nested scopes get their own unless they ask for that of the outer
/// one.
///
///   const workit::shared_resource session({.name = "session"}, open_session, [](session& s) { s.close(); });
///   scope.spawn([&](workit::context&) { session.get(scope).send("..."); });
///
/// `T` is what `acquire`, a task function, returns: a value or a reference. Both functions are copied for each scope.
/// Threads: any; get() the scope's loop. Lifetime: may go before the scopes that have it.
template <class T>
class shared_resource {
 public:
  using resource = std::remove_reference_t<T>;

  /// As lazy_resource, without the scope. Errors: std::invalid_argument for options beyond their
  /// ranges.
  template <detail::task_function Acquire, class Release>
    requires(std::same_as<detail::task_result<Acquire>, T>&& detail::resource_function<Release, resource>)
  shared_resource(resource_options options, Acquire acquire, Release release)
      : definition_(detail::new_definition(options)),
        make_([options = std::move(options), acquire = std::move(acquire), release = std::move(release)](scope& owner) {
          return std::make_shared<detail::lazy_resource_of<Acquire, Release>>(owner, options, acquire, release);
        }) {}

  /// The resource of `owner`. Blocks, Cancel, Errors, Lifetime: as lazy_resource::get.
  [[nodiscard]] resource& get(scope& owner) const {
    auto& mine = detail::shared_in(owner, definition_);
    if (mine == nullptr) mine = make_(owner);
    return static_cast<detail::lazy_value<T>&>(*mine).get();
  }

 private:
  std::uint64_t definition_;
  std::function<std::shared_ptr<detail::lazy_value<T>>(scope&)> make_;
};

template <class Acquire, class Release>
shared_resource(resource_options, Acquire, Release) -> shared_resource<detail::task_result<Acquire>>;

}  // namespace workit
