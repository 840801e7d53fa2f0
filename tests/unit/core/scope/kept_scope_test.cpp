// A scope& that is kept beyond its scope says so.
#include <gtest/gtest.h>

#include <set>
#include <support/fixture.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;

class KeptScope : public test::runtime_test {};

/// Writes over what a function that has returned left on the stack.
[[gnu::noinline]] void use_the_stack() {
  volatile char over[16384];
  for (auto& each : over) each = 0x5a;
}

scope* kept_of(runtime& rt) {
  scope* kept = nullptr;
  rt.run([&](scope& s) { s.scope([&](scope& inner) { kept = &inner; }), use_the_stack(); });
  use_the_stack();
  return kept;
}

constexpr const char* sentence = "a scope was used after it had closed.*keep scope.remote\\(\\)";

TEST_F(KeptScope, SaysSoWhateverIsAskedOfIt) {
  const std::vector<std::function<void(scope&)>> uses = {
      [](scope& s) { s.spawn([] {}); },
      [](scope& s) { s.spawn_once("key", [] {}); },
      [](scope& s) { s.cancel("late"); },
      [](scope& s) { s.defer([] {}); },
      [](scope& s) { s.tighten_deadline(1s); },
      [](scope& s) { s.on_event([](const lifecycle_event&) {}).keep(); },
      [](scope& s) { s.on_cancel([](const cancel_reason&) {}).keep(); },
      [](scope& s) { (void)s.status(); },
      [](scope& s) { (void)s.remote(); },
      [](scope& s) { (void)s.stopping(); },
      [](scope& s) { (void)s.deadline(); },
      [](scope& s) { (void)s.name(); },
      [](scope& s) { s.log(log_level::info, "late"); },
      [](scope& s) { s.scope([](scope&) {}); },
  };
  for (std::size_t i = 0; i < uses.size(); ++i) {
    const auto use_late = [&] {
      runtime rt;
      auto* kept = kept_of(rt);
      rt.run([&](scope&) { uses[i](*kept); });
    };
    EXPECT_DEATH(use_late(), sentence) << "use " << i;
  }
}

TEST_F(KeptScope, SaysSoAfterManyOthersHaveClosed) {
  const auto use_late = [] {
    runtime rt;
    auto* kept = kept_of(rt);
    rt.run([&](scope& s) {
      for (int i = 0; i < 900; ++i) s.scope([](scope&) {});
      kept->spawn([] {});
    });
  };
  EXPECT_DEATH(use_late(), sentence);
}

TEST_F(KeptScope, IsUsableUntilItsLastCleanupHasRun) {
  runtime rt;
  scope* kept = nullptr;
  int ran = 0;
  rt.run([&](scope& s) {
    kept = &s;
    s.spawn([&](context& ctx) {
      ctx.yield();
      kept->spawn([&] { ++ran; });
    });
    s.defer([&] { kept->spawn([&] { ++ran; }); });
  });
  EXPECT_EQ(ran, 2);
}

TEST_F(KeptScope, GivesItsMemoryToLaterScopesOnly) {
  runtime rt;
  std::set<scope*> places;
  rt.run([&](scope& s) {
    for (int i = 0; i < 10'000; ++i) s.scope([&](scope& inner) { places.insert(&inner); });
  });
  EXPECT_GE(places.size(), 1'000U) << "a closed one is not used again at once";
  EXPECT_LE(places.size(), 1'100U) << "but it is";
}

}  // namespace
}  // namespace workit
