// Where an operation runs: a scope, the books of that scope, and the numbers of this fiber.
#pragma once

#include <workit/base/outcome.hpp>

#include "world.hpp"

namespace workit::chaos {

/// What the driver has asked of one scope; its receipt has to say the same.
struct scope_book {
  std::atomic<std::uint64_t> spawned{0};
  std::atomic<std::uint64_t> given_from_outside{0};  ///< they may have come too late
};

struct place {
  world& in;
  scope& s;
  std::shared_ptr<scope_book> book;
  draws random;
  int depth = 0;

  /// Opens a scope below, whose receipt is compared with its book.
  void open(scope_options options, const std::function<void(place&)>& body);
  /// Spawns in the background, and counts it.
  template <class F>
  auto spawn(F body) {
    auto made = s.spawn({.name = "chaos", .background = true}, std::move(body));
    book->spawned.fetch_add(1);
    return made;
  }
  /// Registers a cleanup, and counts it.
  void defer();
  [[nodiscard]] token held() const { return token(in.own); }

  /// The one value that `got` may have, or a stop that somebody has asked for, or an error that may come.
  template <class T>
  void expect(const std::string& what, outcome<T> got, const T& value, bool may_stop = false) {
    if (!got.has_value()) return expect_none(what, got, may_stop);
    in.own.values.fetch_add(1);
    if (std::move(got).value() != value) in.own.complain("a wrong value: " + what);
  }
  /// A stop, or an error that may come, but no value.
  template <class T>
  void expect_none(const std::string& what, const outcome<T>& got, bool may_stop = true) {
    if (got.has_value()) return in.own.complain(what + " has a value");
    if (got.is_error()) return failed(what, got.error());
    in.own.stopped.fetch_add(1);
    if (!may_stop && !s.stopping()) in.own.complain(what + " was cancelled, but nothing had asked for it");
  }
  /// Complains of an error that may not come.
  void failed(const std::string& what, const std::exception_ptr& error);
};

/// Options of a scope with `book`, which its receipt is compared with.
[[nodiscard]] scope_options with_receipt(scope_options options, books& own, std::shared_ptr<scope_book> book);

/// Whether it is what kills, crowds and a want of descriptors bring.
[[nodiscard]] bool is_trouble(const std::exception_ptr& error) noexcept;
/// Whether it is the end of a scope, or of its time.
[[nodiscard]] bool is_stop(const std::exception_ptr& error) noexcept;

/// One operation, drawn by its place.
void operate(place& at);

}  // namespace workit::chaos
