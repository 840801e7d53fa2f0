// unique_function: a callable that is moved and never copied; a small one stays in place.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace workit::detail {

template <class Signature>
class unique_function;

/// As std::function, for callables that need not be copyable. One of at most three pointers that moves without throwing
/// costs no allocation. Errors: calling an empty one is undefined.
template <class R, class... A>
class unique_function<R(A...)> {
 public:
  unique_function() noexcept = default;
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, unique_function>)
  unique_function(F&& f) : kind_(&kind_of<std::decay_t<F>>) {
    using body = std::decay_t<F>;
    if constexpr (in_place<body>)
      ::new (static_cast<void*>(space_)) body(std::forward<F>(f));
    else
      ::new (static_cast<void*>(space_)) body*(new body(std::forward<F>(f)));
  }
  unique_function(unique_function&& from) noexcept { take(from); }
  unique_function& operator=(unique_function&& from) noexcept {
    if (this != &from) {
      drop();
      take(from);
    }
    return *this;
  }
  ~unique_function() { drop(); }

  R operator()(A... arguments) { return kind_->call(space_, std::forward<A>(arguments)...); }
  explicit operator bool() const noexcept { return kind_ != nullptr; }

 private:
  struct kind {
    R (*call)(void*, A&&...);
    void (*move)(void* to, void* from) noexcept;
    void (*destroy)(void*) noexcept;
  };
  static constexpr std::size_t size = 3 * sizeof(void*);
  template <class F>
  static constexpr bool in_place = sizeof(F) <= size &&
                                   alignof(F) <= alignof(void*) && std::is_nothrow_move_constructible_v<F>;

  template <class F>
  static F& body_in(void* space) noexcept {
    if constexpr (in_place<F>)
      return *std::launder(static_cast<F*>(space));
    else
      return **std::launder(static_cast<F**>(space));
  }
  template <class F>
  static constexpr kind kind_of{
      [](void* space, A&&... arguments) -> R { return body_in<F>(space)(std::forward<A>(arguments)...); },
      [](void* to, void* from) noexcept {
        if constexpr (in_place<F>) {
          ::new (to) F(std::move(body_in<F>(from)));
          body_in<F>(from).~F();
        } else {
          ::new (to) F*(&body_in<F>(from));
        }
      },
      [](void* space) noexcept {
        if constexpr (in_place<F>)
          body_in<F>(space).~F();
        else
          delete &body_in<F>(space);
      }};

  void take(unique_function& from) noexcept {
    kind_ = std::exchange(from.kind_, nullptr);
    if (kind_ != nullptr) kind_->move(space_, from.space_);
  }
  void drop() noexcept {
    if (kind_ != nullptr) std::exchange(kind_, nullptr)->destroy(space_);
  }

  alignas(void*) std::byte space_[size];
  const kind* kind_ = nullptr;
};

}  // namespace workit::detail
