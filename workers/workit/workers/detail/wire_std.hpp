// How the containers and vocabulary types of the standard library travel; included by <workit/workers/wire.hpp>.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>
#include <workit/workers/wire.hpp>

namespace workit {
namespace detail {

/// Elements one by one; each must leave a trace, or a reader could be told of any number of them.
template <class T, class Range>
void write_elements(wire_writer& to, const Range& range) {
  to.write_count(range.size());
  for (const T& element : range) {
    const auto before = to.size();
    to.write<T>(element);
    if (to.size() == before) throw wire_error("wire<T>::write wrote nothing: a value takes at least one byte");
  }
}

/// Sets: elements one by one, a repeated one is an error.
template <class Set>
struct set_wire {
  using T = typename Set::key_type;
  static void write(wire_writer& to, const Set& set) { write_elements<T>(to, set); }
  static Set read(wire_reader& from) {
    Set set;
    for (auto left = from.count(); left > 0; --left)
      if (!set.insert(from.read<T>()).second) throw wire_error("a frame has an element of a set twice");
    return set;
  }
};

/// Maps: key and value in turn, a repeated key is an error.
template <class Map>
struct map_wire {
  using K = typename Map::key_type;
  using V = typename Map::mapped_type;
  static void write(wire_writer& to, const Map& map) {
    to.write_count(map.size());
    for (const auto& [key, value] : map) {
      to.write<K>(key);
      to.write<V>(value);
    }
  }
  static Map read(wire_reader& from) {
    Map map;
    for (auto left = from.count(2); left > 0; --left) {
      K key = from.read<K>();
      if (!map.emplace(std::move(key), from.read<V>()).second) throw wire_error("a frame has a key of a map twice");
    }
    return map;
  }
};

/// Ranges of plain values, as they lie in memory: in one pass where the frame lies as they do.
template <class T, class Range>
struct array_wire {
  static void write(wire_writer& to, const Range& range) {
    to.write_count(range.size());
    to.append_aligned(range.data(), range.size() * sizeof(T), alignof(T));
  }
  static Range read(wire_reader& from) {
    const auto n = from.count(sizeof(T));
    const auto raw = from.take_aligned(n * sizeof(T));
    if (n == 0) return Range();
    if (reinterpret_cast<std::uintptr_t>(raw.data()) % alignof(T) == 0) {
      const auto* const first = reinterpret_cast<const T*>(raw.data());
      return Range(first, first + n);
    }
    Range range(n, T{});
    std::memcpy(range.data(), raw.data(), n * sizeof(T));
    return range;
  }
};

/// What holds nothing still takes its byte.
template <class T>
struct empty_wire {
  static void write(wire_writer& to, const T&) { to.write(std::byte{0}); }
  static T read(wire_reader& from) {
    if (from.read<std::byte>() != std::byte{0}) throw wire_error("a frame has something where nothing was expected");
    return T{};
  }
};

}  // namespace detail

template <detail::plain C, class Traits, class A>
struct wire<std::basic_string<C, Traits, A>> : detail::array_wire<C, std::basic_string<C, Traits, A>> {};

template <detail::plain T, class A>
struct wire<std::vector<T, A>> : detail::array_wire<T, std::vector<T, A>> {};

template <travels T, class A>
  requires(!detail::plain<T>)
struct wire<std::vector<T, A>> {
  static void write(wire_writer& to, const std::vector<T, A>& range) { detail::write_elements<T>(to, range); }
  static std::vector<T, A> read(wire_reader& from) {
    std::vector<T, A> range;
    const auto n = from.count();
    for (std::size_t i = 0; i < n; ++i) range.push_back(from.read<T>());
    return range;
  }
};

template <travels T, std::size_t N>
  requires(N > 0)
struct wire<std::array<T, N>> {
  static void write(wire_writer& to, const std::array<T, N>& range) {
    if constexpr (detail::plain<T>)
      to.append(range.data(), sizeof(T) * N);
    else
      for (const T& element : range) to.write(element);
  }
  static std::array<T, N> read(wire_reader& from) {
    if constexpr (detail::plain<T>) {
      std::array<T, N> range;
      from.copy(range.data(), sizeof(T) * N);
      return range;
    } else {
      return read(from, std::make_index_sequence<N>{});
    }
  }

 private:
  template <std::size_t... I>
  static std::array<T, N> read(wire_reader& from, std::index_sequence<I...>) {
    return {(static_cast<void>(I), from.read<T>())...};
  }
};

template <class T>
struct wire<std::array<T, 0>> : detail::empty_wire<std::array<T, 0>> {};
template <>
struct wire<std::monostate> : detail::empty_wire<std::monostate> {};
template <>
struct wire<std::tuple<>> : detail::empty_wire<std::tuple<>> {};

template <travels A, travels B>
struct wire<std::pair<A, B>> {
  static void write(wire_writer& to, const std::pair<A, B>& both) {
    to.write(both.first);
    to.write(both.second);
  }
  static std::pair<A, B> read(wire_reader& from) { return std::pair<A, B>{from.read<A>(), from.read<B>()}; }
};

template <travels T, travels... More>
struct wire<std::tuple<T, More...>> {
  static void write(wire_writer& to, const std::tuple<T, More...>& all) {
    std::apply([&](const auto&... each) { (to.write(each), ...); }, all);
  }
  static std::tuple<T, More...> read(wire_reader& from) {
    return std::tuple<T, More...>{from.read<T>(), from.read<More>()...};
  }
};

template <travels T>
struct wire<std::optional<T>> {
  static void write(wire_writer& to, const std::optional<T>& value) {
    to.write(value.has_value());
    if (value) to.write(*value);
  }
  static std::optional<T> read(wire_reader& from) {
    if (!from.read<bool>()) return std::nullopt;
    return from.read<T>();
  }
};

template <travels... T>
struct wire<std::variant<T...>> {
  static void write(wire_writer& to, const std::variant<T...>& value) {
    if (value.valueless_by_exception()) throw wire_error("a valueless variant cannot travel");
    to.write(static_cast<std::uint32_t>(value.index()));
    std::visit([&](const auto& held) { to.write(held); }, value);
  }
  static std::variant<T...> read(wire_reader& from) {
    const auto index = from.read<std::uint32_t>();
    if (index >= sizeof...(T)) throw wire_error("a frame names alternative " + std::to_string(index) + " of a variant");
    return pick(from, index, std::index_sequence_for<T...>{});
  }

 private:
  using maker = std::variant<T...> (*)(wire_reader&);
  template <std::size_t... I>
  static std::variant<T...> pick(wire_reader& from, std::size_t index, std::index_sequence<I...>) {
    static constexpr maker makers[] = {
        [](wire_reader& r) { return std::variant<T...>(std::in_place_index<I>, r.read<T>()); }...};
    return makers[index](from);
  }
};

template <travels K, travels V, class C, class A>
struct wire<std::map<K, V, C, A>> : detail::map_wire<std::map<K, V, C, A>> {};
template <travels K, travels V, class H, class E, class A>
struct wire<std::unordered_map<K, V, H, E, A>> : detail::map_wire<std::unordered_map<K, V, H, E, A>> {};
template <travels K, class C, class A>
struct wire<std::set<K, C, A>> : detail::set_wire<std::set<K, C, A>> {};
template <travels K, class H, class E, class A>
struct wire<std::unordered_set<K, H, E, A>> : detail::set_wire<std::unordered_set<K, H, E, A>> {};

template <class Rep, class Period>
struct wire<std::chrono::duration<Rep, Period>> {
  static void write(wire_writer& to, std::chrono::duration<Rep, Period> d) { to.write(d.count()); }
  static std::chrono::duration<Rep, Period> read(wire_reader& from) {
    return std::chrono::duration<Rep, Period>{from.read<Rep>()};
  }
};

/// Both sides run on one machine: a steady_clock instant means the same to both.
template <class Clock, class D>
struct wire<std::chrono::time_point<Clock, D>> {
  static void write(wire_writer& to, std::chrono::time_point<Clock, D> at) { to.write(at.time_since_epoch()); }
  static std::chrono::time_point<Clock, D> read(wire_reader& from) {
    return std::chrono::time_point<Clock, D>{from.read<D>()};
  }
};

}  // namespace workit
