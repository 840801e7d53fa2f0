// context_key: names a value that a scope hands down to all the work below it.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>
#include <workit/context/detail/key_identity.hpp>

namespace workit {

/// The object is the key, not its name: two keys of one name do not meet. Make it a constant of a namespace:
///
///   inline const workit::context_key<std::string> tenant{"tenant"};
///   inline const workit::context_key<int> verbosity{"verbosity", 1};  // get() gives 1 where it is not set
///
/// Threads: any. Lifetime: get() refers to the default, so the key outlives such references; a key without a default
/// may go before its values. Errors: std::invalid_argument for a name that has not 1 to 128
/// bytes.
template <class T>
class context_key final : public detail::key_identity {
  static_assert(std::is_object_v<T> && !std::is_const_v<T> && !std::is_volatile_v<T>,
                "a context value is a plain object; it is handed out as const T&");

 public:
  explicit context_key(std::string name) : key_identity(std::move(name)) {}
  context_key(std::string name, T fallback) : key_identity(std::move(name)), fallback_(std::move(fallback)) {}

  /// What get() gives where the key is not set; null when there is no default.
  [[nodiscard]] const T* fallback() const noexcept { return fallback_ ? &*fallback_ : nullptr; }

 private:
  const std::optional<T> fallback_;
};

}  // namespace workit
