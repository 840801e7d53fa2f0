// fields: names and values that an event carries, as views that cost nothing without a listener.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <variant>

namespace workit {

/// One name with its value. Lifetime: of the text that it views.
struct field {
  using value_type = std::variant<bool, std::int64_t, std::uint64_t, double, std::string_view>;

  std::string_view name{};
  value_type value{};

  field() = default;
  template <class V>
  field(std::string_view n, const V& v) : name(n), value(kept(v)) {}

 private:
  template <class V>
  static value_type kept(const V& v) {
    if constexpr (std::same_as<V, bool>)
      return v;
    else if constexpr (std::signed_integral<V>)
      return static_cast<std::int64_t>(v);
    else if constexpr (std::unsigned_integral<V>)
      return static_cast<std::uint64_t>(v);
    else if constexpr (std::floating_point<V>)
      return static_cast<double>(v);
    else
      return std::string_view(v);
  }
};

/// A view of some fields: `{{"rows", 10}, {"table", name}}`, or a std::vector<field>. Lifetime: of what it was made
/// from; a braced list lives until the end of the full expression, which is all that report() and log() need.
class fields {
 public:
  fields() = default;
  fields(std::initializer_list<field> list) noexcept { all_ = {list.begin(), list.size()}; }
  fields(std::span<const field> list) noexcept : all_(list) {}
  template <std::convertible_to<std::span<const field>> Range>
  fields(const Range& range) noexcept : all_(range) {}

  [[nodiscard]] const field* begin() const noexcept { return all_.data(); }
  [[nodiscard]] const field* end() const noexcept { return all_.data() + all_.size(); }
  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
  [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
  [[nodiscard]] const field& operator[](std::size_t i) const noexcept { return all_[i]; }

 private:
  std::span<const field> all_;
};

}  // namespace workit
