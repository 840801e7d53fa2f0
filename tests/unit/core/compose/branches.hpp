// What the tests of composables share: losers, errors, and what events say.
#pragma once

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <support/error_of.hpp>
#include <support/fixture.hpp>
#include <support/refused.hpp>
#include <utility>
#include <vector>
#include <workit/base/event.hpp>
#include <workit/compose.hpp>

namespace workit::test {

/// Runs `act` and returns the reason for which it left by `cancelled`; fails the test if it did not.
template <class F>
cancel_reason reason_of(F&& act) {
  try {
    act();
  } catch (const cancelled& c) {
    return c.why();
  }
  ADD_FAILURE() << "nothing was cancelled";
  return reason::user{};
}

/// A branch that sleeps for `how_long` and notes why it was cancelled before that, if it was.
template <class T = int>
auto sleeper(duration how_long, T value, std::string* heard = nullptr) {
  return [=](context& ctx) {
    try {
      ctx.sleep_for(how_long);
    } catch (const cancelled& c) {
      if (heard != nullptr) *heard = kind_of(c.why());
      throw;
    }
    return value;
  };
}

/// A branch that fails after `how_long`.
inline auto failing(duration how_long, std::string what) {
  return [=](context& ctx) -> int {
    ctx.sleep_for(how_long);
    throw std::runtime_error(what);
  };
}

/// The events of one kind, with when they came, counted from the first call of on_event.
template <class E>
struct event_log {
  std::vector<std::pair<duration, E>> entries;
  std::vector<std::string> names;

  auto recorder(time_point start) {
    return [this, start](const lifecycle_event& e) {
      if (const auto* body = std::get_if<E>(&e.body)) {
        entries.emplace_back(e.at - start, *body);
        names.emplace_back(e.name);
      }
    };
  }
};

}  // namespace workit::test
