// fiber: suspension, and exceptions that stay with their fiber.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/fiber/operations.hpp>
#include <exception>
#include <stdexcept>
#include <string>
#include <support/fixture.hpp>
#include <vector>
#include <workit/fiber/detail/fiber.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class Fiber : public test::runtime_test {};
using FiberDeathTest = Fiber;

constexpr int fibers = 64, rounds = 200;

// How often a fiber got another's exception back after it had suspended, by `suspend`, inside `catch`.
template <class Suspend>
int mixed_up(scope& s, Suspend suspend) {
  int mixed = 0;
  s.scope([&](scope& in) {
    for (int i = 0; i < fibers; ++i)
      in.spawn([&, i](context& ctx) {
        for (int k = 0; k < rounds; ++k) {
          const auto mine = "fiber " + std::to_string(i) + ", round " + std::to_string(k);
          try {
            throw std::runtime_error(mine);
          } catch (const std::exception&) {
            suspend(ctx);
            try {
              throw;
            } catch (const std::exception& again) {
              if (mine != again.what()) ++mixed;
            }
          }
        }
      });
  });
  return mixed;
}

TEST_F(Fiber, KeepsItsOwnExceptionWhenItSuspendsInsideACatch) {
  manual_runtime rt;
  EXPECT_EQ(rt.run([](scope& s) { return mixed_up(s, [](context& ctx) { ctx.yield(); }); }), 0);
  EXPECT_EQ(rt.run([](scope& s) { return mixed_up(s, [](context& ctx) { ctx.sleep_for(1ms); }); }), 0);
}

// The control arm: the substrate's own yield, which no code of this project calls, does mix them up. In a process of
// its own, since what the mix-up leaves behind is undefined.
TEST_F(FiberDeathTest, WouldMixExceptionsUpWithoutTheGuard) {
  EXPECT_EXIT(
      {
        manual_runtime rt;
        const int mixed = rt.run([](scope& s) {
          int wrong = 0;
          s.scope([&](scope& in) {
            for (int i = 0; i < 2; ++i)
              in.spawn([&, i](context&) {
                try {
                  throw i;
                } catch (int) {
                  boost::this_fiber::yield();
                  try {
                    throw;
                  } catch (int again) {
                    if (again != i) ++wrong;
                    std::_Exit(wrong > 0 ? 42 : 0);
                  }
                }
              });
          });
          return wrong;
        });
        std::_Exit(mixed);
      },
      ::testing::ExitedWithCode(42), "");
}

TEST_F(Fiber, KeepsItsOwnExceptionOnEachOfFourThreads) {
  runtime rt({.io_threads = 4});
  std::vector<task<int>> roots;
  for (int i = 0; i < 4; ++i)
    roots.push_back(rt.spawn({}, [](scope& s) { return mixed_up(s, [](context& ctx) { ctx.yield(); }); }));
  for (auto& r : roots) EXPECT_EQ(r.get(), 0);
}

TEST_F(Fiber, CountsItsOwnUncaughtExceptionsOnly) {
  manual_runtime rt;
  rt.run([](scope& s) {
    struct sleeper {
      context& ctx;
      int& uncaught;
      ~sleeper() {
        ctx.sleep_for(1s);
        uncaught = std::uncaught_exceptions();
      }
    };
    int of_unwinding = -1, of_neighbour = -1;
    s.spawn({.background = true}, [&](context& ctx) {
      const sleeper guard{ctx, of_unwinding};
      throw std::runtime_error("unwinds for a second");
    });
    s.spawn([&](context& ctx) {
      ctx.sleep_for(500ms);
      of_neighbour = std::uncaught_exceptions();
    });
    s.sleep_for(2s);
    EXPECT_EQ(of_unwinding, 1);
    EXPECT_EQ(of_neighbour, 0);
  });
}

TEST_F(Fiber, StartsWithoutTheExceptionsOfItsSpawner) {
  manual_runtime rt;
  rt.run([](scope& s) {
    try {
      throw std::runtime_error("the spawner's");
    } catch (...) {
      s.spawn([] { EXPECT_EQ(std::current_exception(), nullptr); }).get();
      EXPECT_NE(std::current_exception(), nullptr);
    }
  });
}

TEST_F(Fiber, IsCurrentOnItsOwnStackOnly) {
  manual_runtime rt;
  rt.run([](scope& s) {
    auto* mine = detail::fiber::current();
    ASSERT_NE(mine, nullptr);
    s.spawn([mine] { EXPECT_NE(detail::fiber::current(), mine); }).get();
    EXPECT_EQ(detail::fiber::current(), mine);
    s.sleep_for(1s);
    EXPECT_EQ(detail::fiber::current(), mine);
  });
}

TEST_F(Fiber, WokenWithoutBeingParkedIsLeftAlone) {
  manual_runtime rt;
  rt.run([](scope& s) {
    auto& mine = *detail::fiber::current();
    mine.wake();
    mine.wake();
    s.yield();
    const auto start = s.now();
    s.sleep_for(1h);
    EXPECT_EQ(s.now(), start + 1h);
  });
}

TEST_F(Fiber, WaitsOnThroughWakesWithoutCause) {
  manual_runtime rt;
  rt.run([](scope& s) {
    detail::fiber* sleeper = nullptr;
    auto t = s.spawn([&](context& ctx) {
      sleeper = detail::fiber::current();
      const auto start = ctx.now();
      ctx.sleep_for(1h);
      EXPECT_EQ(ctx.now(), start + 1h);
    });
    s.sleep_for(1s);
    for (int i = 0; i < 10; ++i) {
      sleeper->wake();
      s.sleep_for(1s);
    }
  });
}

TEST_F(Fiber, TakesTurnsFirstInFirstOut) {
  manual_runtime rt;
  std::string turns;
  rt.run([&](scope& s) {
    for (const char name : {'a', 'b', 'c'})
      s.spawn([&, name](context& ctx) {
        for (int i = 0; i < 5; ++i) {
          turns += name;
          ctx.yield();
        }
      });
  });
  EXPECT_EQ(turns, "abcabcabcabcabc");
}

TEST_F(FiberDeathTest, ParkedByAnotherIsMisuse) {
  EXPECT_DEATH(manual_runtime().run([](scope& s) {
    detail::fiber* other = nullptr;
    s.spawn([&](context& ctx) {
      other = detail::fiber::current();
      ctx.sleep_for(1h);
    });
    s.sleep_for(1s);
    other->park();
  }),
               "a fiber can only park itself");
}

}  // namespace
}  // namespace workit
