// lazy_core: a resource of a scope that is acquired when it is first asked for, without its type.
#pragma once

#include <workit/scope/resource.hpp>

namespace workit::detail {

class scope_node;

/// Threads: the owner's loop. Lifetime: shared by its handles, its owner's cleanup and the task that acquires it.
class lazy_core : public std::enable_shared_from_this<lazy_core> {
 public:
  virtual ~lazy_core() = default;
  lazy_core(const lazy_core&) = delete;
  lazy_core& operator=(const lazy_core&) = delete;

  /// Acquires it, unless it is held; concurrent callers wait for one acquisition and share its failure.
  /// Blocks: the fiber, until it is held. Cancel: while it waits. Errors: those of the acquisition; asserts that the
  /// owner is open and the resource not released.
  void require_held();
  [[nodiscard]] bool is_held() const noexcept { return now_ == state::held; }

 protected:
  lazy_core(workit::scope& owner, resource_options options);

 private:
  virtual void acquire(context& ctx) = 0;
  virtual void release(context& ctx) = 0;

  void acquire_for(scope_node& owner, context& ctx);

  enum class state : std::uint8_t { empty, held, released };
  state now_ = state::empty;
  const std::weak_ptr<scope_node> owner_;  // weak: the owner may hold this
  const resource_options options_;
  const std::string key_;
};

/// The same, with the resource: what acquire gave, a value or a reference. `T` is its result.
template <class T>
class lazy_value : public lazy_core {
 public:
  using lazy_core::lazy_core;
  using resource = std::remove_reference_t<T>;

  [[nodiscard]] resource& get() {
    require_held();
    return held();
  }

 protected:
  [[nodiscard]] resource& held() noexcept {
    if constexpr (std::is_reference_v<T>)
      return **value;
    else
      return *value;
  }

  slot<T> value;
};

template <task_function Acquire, class Release>
class lazy_resource_of final : public lazy_value<task_result<Acquire>> {
 public:
  using T = task_result<Acquire>;
  lazy_resource_of(workit::scope& owner, resource_options options, Acquire acquire, Release release)
      : lazy_value<T>(owner, std::move(options)), acquire_(std::move(acquire)), release_(std::move(release)) {}

 private:
  void acquire(context& ctx) override { call_into<T>(this->value, acquire_, ctx); }
  void release(context& ctx) override {
    // Destroyed when the release has returned, or thrown.
    const std::unique_ptr<slot<T>, void (*)(slot<T>*)> gone(&this->value, [](slot<T>* s) { s->reset(); });
    call_with(release_, ctx, this->held());
  }

  Acquire acquire_;
  Release release_;
};

/// A number for a shared_resource, which no other of this process has.
/// Errors: std::invalid_argument for options beyond their ranges.
[[nodiscard]] std::uint64_t new_definition(const resource_options& options);
/// Where `owner` keeps what it has of that definition; null until something is put there. Threads: the owner's loop.
[[nodiscard]] std::shared_ptr<lazy_core>& shared_in(workit::scope& owner, std::uint64_t definition);

}  // namespace workit::detail
