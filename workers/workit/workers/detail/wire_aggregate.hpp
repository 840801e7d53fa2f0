// How an aggregate travels: its members one by one, found by structured bindings; included by
// <workit/workers/wire.hpp>.
#pragma once

#include <type_traits>
#include <utility>
#include <workit/workers/wire.hpp>

namespace workit {
namespace detail {

/// Stands for an initializer of any type, in expressions that are not evaluated.
struct any_value {
  template <class U>
  operator U() const noexcept;
};
/// The same for a member that is a reference.
struct any_place {
  template <class U>
  operator U&() const noexcept;
};
/// An initializer for a base class of T.
template <class T>
struct any_base {
  template <class U>
    requires(std::is_base_of_v<U, T> && !std::is_same_v<U, T>)
  operator U() const noexcept;
};

template <class T, class Any, std::size_t... I>
consteval bool takes_initializers(std::index_sequence<I...>) {
  return requires { T{(static_cast<void>(I), std::declval<Any>())...}; };
}

/// Members that travel by themselves, at most: beyond it stands too_many_members.
inline constexpr std::size_t most_members = 16;
inline constexpr std::size_t too_many_members = most_members + 1;

template <class T, class Any, std::size_t N = too_many_members>
consteval std::size_t count_initializers() {
  if constexpr (N == 0 || takes_initializers<T, Any>(std::make_index_sequence<N>{}))
    return N;
  else
    return count_initializers<T, Any, N - 1>();
}

/// Without brace elision, which spreads a C array over several initializers.
template <class T, std::size_t... I>
consteval bool has_no_array(std::index_sequence<I...>) {
#if defined(__cpp_aggregate_paren_init)
  return sizeof...(I) == 0 || requires { T((static_cast<void>(I), std::declval<any_value>())...); };
#else
  return true;  // the structured binding does not compile then
#endif
}

/// What an aggregate is to the wire.
enum class aggregate_shape : unsigned char { travels, has_base, has_array, has_reference, too_large };

template <class T>
consteval aggregate_shape shape_of_aggregate() {
  if constexpr (requires { T{std::declval<any_base<T>>()}; })
    return aggregate_shape::has_base;
  else if constexpr (count_initializers<T, any_value>() < count_initializers<T, any_place>())
    return aggregate_shape::has_reference;
  else if constexpr (count_initializers<T, any_value>() == too_many_members)
    return aggregate_shape::too_large;
  else if constexpr (!has_no_array<T>(std::make_index_sequence<count_initializers<T, any_value>()>{}))
    return aggregate_shape::has_array;
  else
    return aggregate_shape::travels;
}

template <class... M>
struct member_list {};

/// Calls `visit` with the types of the members of `value` and the members. Requires: aggregate_shape::travels.
template <class T, class F>
constexpr decltype(auto) with_members(T& value, F&& visit) {
  constexpr auto count = count_initializers<std::remove_const_t<T>, any_value>();
  // clang-format off
  if constexpr (count == 0) {
    return visit(member_list<>{});
  } else if constexpr (count == 1) {
    auto& [a] = value;
    return visit(member_list<decltype(a)>{}, a);
  } else if constexpr (count == 2) {
    auto& [a, b] = value;
    return visit(member_list<decltype(a), decltype(b)>{}, a, b);
  } else if constexpr (count == 3) {
    auto& [a, b, c] = value;
    return visit(member_list<decltype(a), decltype(b), decltype(c)>{}, a, b, c);
  } else if constexpr (count == 4) {
    auto& [a, b, c, d] = value;
    return visit(member_list<decltype(a), decltype(b), decltype(c), decltype(d)>{}, a, b, c, d);
  } else if constexpr (count == 5) {
    auto& [a, b, c, d, e] = value;
    return visit(member_list<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e)>{}, a, b, c, d, e);
  } else if constexpr (count == 6) {
    auto& [a, b, c, d, e, f] = value;
    return visit(member_list<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f)>{},
             a, b, c, d, e, f);
  } else if constexpr (count == 7) {
    auto& [a, b, c, d, e, f, g] = value;
    return visit(member_list<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f), decltype(g)>{},
             a, b, c, d, e, f, g);
  } else if constexpr (count == 8) {
    auto& [a, b, c, d, e, f, g, h] = value;
    return visit(member_list<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f), decltype(g),
                         decltype(h)>{},
             a, b, c, d, e, f, g, h);
  } else if constexpr (count == 9) {
    auto& [a, b, c, d, e, f, g, h, i] = value;
    return visit(member_list<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f), decltype(g),
                         decltype(h), decltype(i)>{},
             a, b, c, d, e, f, g, h, i);
  } else if constexpr (count == 10) {
    auto& [a, b, c, d, e, f, g, h, i, j] = value;
    return visit(member_list<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f), decltype(g),
                         decltype(h), decltype(i), decltype(j)>{},
             a, b, c, d, e, f, g, h, i, j);
  } else if constexpr (count == 11) {
    auto& [a, b, c, d, e, f, g, h, i, j, k] = value;
    return visit(member_list<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f), decltype(g),
                         decltype(h), decltype(i), decltype(j), decltype(k)>{},
             a, b, c, d, e, f, g, h, i, j, k);
  } else if constexpr (count == 12) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l] = value;
    return visit(member_list<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f), decltype(g),
                         decltype(h), decltype(i), decltype(j), decltype(k), decltype(l)>{},
             a, b, c, d, e, f, g, h, i, j, k, l);
  } else if constexpr (count == 13) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = value;
    return visit(member_list<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f), decltype(g),
                         decltype(h), decltype(i), decltype(j), decltype(k), decltype(l), decltype(m)>{},
             a, b, c, d, e, f, g, h, i, j, k, l, m);
  } else if constexpr (count == 14) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = value;
    return visit(member_list<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f), decltype(g),
                         decltype(h), decltype(i), decltype(j), decltype(k), decltype(l), decltype(m), decltype(n)>{},
             a, b, c, d, e, f, g, h, i, j, k, l, m, n);
  } else if constexpr (count == 15) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = value;
    return visit(member_list<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f), decltype(g),
                         decltype(h), decltype(i), decltype(j), decltype(k), decltype(l), decltype(m), decltype(n),
                         decltype(o)>{},
             a, b, c, d, e, f, g, h, i, j, k, l, m, n, o);
  } else if constexpr (count == 16) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = value;
    return visit(member_list<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f), decltype(g),
                         decltype(h), decltype(i), decltype(j), decltype(k), decltype(l), decltype(m), decltype(n),
                         decltype(o), decltype(p)>{},
             a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);
  }
  // clang-format on
}

template <class T>
using members_of = decltype(with_members(std::declval<T&>(), [](auto list, auto&...) { return list; }));

template <class... M>
consteval bool all_travel(member_list<M...>) {
  return (travels<std::remove_cv_t<M>> && ...);
}
template <class T>
consteval bool travels_by_members() {
  if constexpr (shape_of_aggregate<T>() == aggregate_shape::travels)
    return all_travel(members_of<T>{});
  else
    return false;
}

/// Of an aggregate that does not travel, the sentence that says why.
template <class T>
consteval void must_travel_by_members() {
  constexpr auto shape = shape_of_aggregate<T>();
  if constexpr (shape == aggregate_shape::has_base)
    static_assert(travels<T>,
                  "workit: an aggregate with a base class cannot travel by itself; specialise workit::wire<T> for it");
  else if constexpr (shape == aggregate_shape::has_array)
    static_assert(travels<T>, "workit: an aggregate with a C array cannot travel by itself; use a std::array in it");
  else if constexpr (shape == aggregate_shape::has_reference)
    static_assert(travels<T>, "workit: an aggregate with a reference cannot travel; let it have the value");
  else if constexpr (shape == aggregate_shape::too_large)
    static_assert(
        travels<T>,
        "workit: an aggregate with more than 16 members cannot travel by itself; specialise workit::wire<T> for it");
  else
    []<class... M>(member_list<M...>) { (must_travel<std::remove_cv_t<M>>(), ...); }(members_of<T>{});
}

}  // namespace detail

template <detail::plain_aggregate T>
  requires(detail::travels_by_members<T>())
struct wire<T> {
  static void write(wire_writer& to, const T& value) {
    detail::with_members(value, [&]<class... M>(detail::member_list<M...>, const auto&... member) {
      if constexpr (sizeof...(M) == 0)
        to.write(std::byte{0});  // what holds nothing still takes its byte
      else
        (to.write<std::remove_cv_t<M>>(member), ...);
    });
  }
  static T read(wire_reader& from) { return read(from, detail::members_of<T>{}); }

 private:
  template <class... M>
  static T read(wire_reader& from, detail::member_list<M...>) {
    if constexpr (sizeof...(M) == 0)
      if (from.read<std::byte>() != std::byte{0}) throw wire_error("a frame has something where nothing was expected");
    return T{from.read<std::remove_cv_t<M>>()...};  // braces: left to right
  }
};

}  // namespace workit
