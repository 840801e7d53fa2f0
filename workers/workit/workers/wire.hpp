// How values travel between the host and its workers: by value, field by field, checked on arrival.
//
// Arithmetic types, enums and contiguous ranges of them go by one memcpy; the standard containers element by element.
// An aggregate of at most 16 members that travel does so by itself, nested ones too. Any other type of your own, and
// one that contains itself, opts in:
//
//   template <> struct workit::wire<point> {
//     static void write(wire_writer& to, const point& p) { to.write(p.x); to.write(p.y); }
//     static point read(wire_reader& from) { return {from.read<double>(), from.read<double>()}; }
//   };
//
// or, when it has a cereal serialize(), by deriving from workit::cereal_wire<point> (<workit/workers/cereal.hpp>).
// A value takes at least one byte. Braces evaluate left to right, so that read() may be written as above.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <workit/workers/detail/wire_stream.hpp>

namespace workit {

/// Primary: a type that does not travel.
template <class T>
struct wire {
  using refused = T;
};

/// Whether a T can be an argument or a result of a task behind the process boundary.
template <class T>
concept travels = std::same_as<T, std::remove_cvref_t<T>> && !requires {
  typename wire<T>::refused;
};

namespace detail {

template <class T, template <class...> class Of>
inline constexpr bool is_a = false;
template <template <class...> class Of, class... A>
inline constexpr bool is_a<Of<A...>, Of> = true;
template <class T>
inline constexpr bool is_span = false;
template <class T, std::size_t N>
inline constexpr bool is_span<std::span<T, N>> = true;

/// Copied as they lie in memory. Not bool: a byte other than 0 and 1 in a bool is undefined behaviour.
template <class T>
concept plain = (std::is_arithmetic_v<T> && !std::is_same_v<std::remove_cv_t<T>, bool>) ||
                (std::is_enum_v<T> &&
                 !std::is_same_v<std::underlying_type_t<std::conditional_t<std::is_enum_v<T>, T, std::byte>>, bool>);

template <class T>
concept plain_aggregate = std::is_class_v<T> && std::is_aggregate_v<T> && !requires {
  std::tuple_size<T>::value;
}
&&!requires { &T::operator(); };
template <class T>
consteval void must_travel_by_members();

/// Compiles when T travels; otherwise exactly one of its sentences is the error.
template <class T>
consteval void must_travel() {
  using std::is_pointer_v;
  if constexpr (travels<T>)
    return;
  else if constexpr (is_pointer_v<T> && std::is_same_v<std::remove_cv_t<std::remove_pointer_t<T>>, char>)
    static_assert(travels<T>, "workit: a C string is an address in this process and cannot travel; pass a std::string");
  else if constexpr (std::is_function_v<std::remove_pointer_t<T>>)
    static_assert(travels<T>, "workit: a function cannot travel as an argument; choose it inside the task");
  else if constexpr (is_pointer_v<T> || std::is_null_pointer_v<T> || std::is_member_pointer_v<T>)
    static_assert(travels<T>,
                  "workit: a pointer is an address in this process and cannot travel; pass the value it points to");
  else if constexpr (std::is_reference_v<T>)
    static_assert(travels<T>, "workit: a reference cannot travel; pass the value");
  else if constexpr (is_span<T>)
    static_assert(travels<T>,
                  "workit: a std::span only views memory of this process and cannot travel; pass a std::vector");
  else if constexpr (is_a<T, std::basic_string_view>)
    static_assert(travels<T>,
                  "workit: a std::string_view only views memory of this process and cannot travel; use std::string");
  else if constexpr (is_a<T, std::reference_wrapper>)
    static_assert(travels<T>, "workit: a std::reference_wrapper cannot travel; pass the value it refers to");
  else if constexpr (is_a<T, std::function>)
    static_assert(travels<T>,
                  "workit: a std::function cannot travel; pass a function or a captureless lambda as the task itself");
  else if constexpr (is_a<T, std::unique_ptr>)
    static_assert(
        travels<T>,
        "workit: a std::unique_ptr owns memory of this process and cannot travel; pass a std::optional or the value");
  else if constexpr (is_a<T, std::shared_ptr> || is_a<T, std::weak_ptr>)
    static_assert(travels<T>,
                  "workit: a std::shared_ptr shares memory of this process and cannot travel; pass the value");
  else if constexpr (std::is_array_v<T>)
    static_assert(travels<T>, "workit: a C array cannot travel; pass a std::array or a std::vector");
  else if constexpr (plain_aggregate<T>)
    must_travel_by_members<T>();
  else if constexpr (requires { &T::operator(); })
    static_assert(travels<T>,
                  "workit: a lambda or function object cannot travel as an argument; pass the values it captures");
  else
    static_assert(travels<T>,
                  "workit: this type, or one of its elements, cannot travel; specialise workit::wire<T> for it");
}

}  // namespace detail

template <detail::plain T>
struct wire<T> {
  static void write(wire_writer& to, const T& value) { to.append(&value, sizeof value); }
  static T read(wire_reader& from) {
    T value;
    from.copy(&value, sizeof value);
    return value;
  }
};

template <class T>
  requires(std::is_same_v<T, bool>)
struct wire<T> {
  static void write(wire_writer& to, bool value) { to.write(static_cast<unsigned char>(value)); }
  static bool read(wire_reader& from) {
    const auto value = from.read<unsigned char>();
    if (value > 1) throw wire_error("a frame has " + std::to_string(value) + " where a bool was expected");
    return value != 0;
  }
};

template <class T>
  requires(std::is_enum_v<T> && !detail::plain<T>)
struct wire<T> {
  static void write(wire_writer& to, T value) { to.write(static_cast<bool>(value)); }
  static T read(wire_reader& from) { return static_cast<T>(from.read<bool>()); }
};

}  // namespace workit

#include <workit/workers/detail/wire_std.hpp>
// After the standard library's: their elements are members, too.
#include <workit/workers/detail/wire_aggregate.hpp>
