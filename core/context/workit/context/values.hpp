// values: the context values that a scope hands down.
#pragma once

#include <memory>
#include <workit/context/detail/id_map.hpp>
#include <workit/context/key.hpp>

namespace workit {

namespace detail {
extern template class id_map<const void>;
}

/// An immutable set of values by key: `workit::values{}.with(tenant, "acme").with(verbosity, 2)`. Adding one copies
/// 512 bytes, and a pointer for every 32 keys of the process, and leaves the original as it was.
///
/// Threads: as any value; the values themselves are shared and must be safe to read from where they are read.
/// Lifetime: a value lives as long as a set or an open scope that has it; the last one destroys it.
class values {
 public:
  values() = default;

  /// These, and `value` for `key`, in place of an earlier one.
  template <class T>
  [[nodiscard]] values with(const context_key<T>& key, std::type_identity_t<T> value) const {
    return values(held_.with(key.number(), std::make_shared<const T>(std::move(value))));
  }
  /// These, and all of `over`, which wins where both have a key.
  [[nodiscard]] values with(const values& over) const;

  /// What was set for `key`, null when nothing was; a default does not count. O(1): three loads.
  template <class T>
  [[nodiscard]] const T* find(const context_key<T>& key) const noexcept {
    return static_cast<const T*>(held_.find(key.number()));
  }
  [[nodiscard]] bool empty() const noexcept { return held_.empty(); }

 private:
  explicit values(detail::id_map<const void> held) noexcept : held_(std::move(held)) {}

  detail::id_map<const void> held_;
};

}  // namespace workit
