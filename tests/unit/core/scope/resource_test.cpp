// Resources that a scope owns: acquired, lazy and shared.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <stdexcept>
#include <support/fixture.hpp>
#include <support/refused.hpp>
#include <support/seed.hpp>
#include <thread>
#include <workit/base/event.hpp>
#include <workit/compose/timeout.hpp>
#include <workit/compose/uncancellable.hpp>
#include <workit/scope/lazy_resource.hpp>
#include <workit/scope/shared_resource.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

static_assert(std::is_same_v<decltype(lazy_resource(
                                 std::declval<scope&>(), {}, [] { return 1; }, [](int&) {})),
                             lazy_resource<int>>);
static_assert(std::is_same_v<decltype(std::declval<lazy_resource<int&>>().get()), int&>);

class Resource : public test::runtime_test {
 protected:
  std::string order;
  auto says(char c) {
    return [this, c] { order += c; };
  }
  // Acquires by 'a' after some time, releases by 'r'.
  auto acquire(duration takes = 1ms) {
    return [this, takes](context& ctx) {
      ctx.sleep_for(takes);
      order += 'a';
      return std::make_unique<int>(7);
    };
  }
  auto release() {
    return [this](std::unique_ptr<int>& held) {
      EXPECT_EQ(*held, 7);
      order += 'r';
    };
  }
};

TEST_F(Resource, IsHandedToAScopeThatReleasesItLast) {
  manual_runtime rt;
  const auto alive = std::make_shared<int>(7);
  rt.run([&](scope& s) {
    s.defer(says('1'));
    auto& held = scope_acquire(s, std::shared_ptr<int>(alive), [&](std::shared_ptr<int>& r) {
      EXPECT_EQ(r, alive);
      order += 'r';
    });
    s.defer(says('2'));
    s.spawn([&](context& ctx) {
      ctx.sleep_for(1ms);
      EXPECT_EQ(held, alive) << "not released while a task may use it";
      order += 't';
    });
    EXPECT_EQ(alive.use_count(), 2);
  });
  EXPECT_EQ(order, "t2r1");
  EXPECT_EQ(alive.use_count(), 1);
}

TEST_F(Resource, IsReleasedHoweverItsOwnerEnds) {
  manual_runtime rt;
  EXPECT_THROW(rt.run([&](scope& s) {
    scope_acquire(s, std::make_unique<int>(7), release());
    throw std::runtime_error("body");
  }),
               std::runtime_error);
  rt.run([&](scope& s) {
    auto t = s.spawn([&](context& ctx) {  // a task may own one, too
      scope_acquire(ctx, std::make_unique<int>(7), release());
      ctx.sleep_for(1h);
    });
    s.sleep_for(1ms);
    t.cancel("enough");
    t.wait();
    EXPECT_EQ(order, "rr");
  });
}

TEST_F(Resource, IsReleasedAlsoWhenItsHandOverIsRefused) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    s.defer(says('1'));
    EXPECT_REFUSED(scope_acquire(s, {.timeout = 0s}, std::make_unique<int>(7), release()), "more than zero");
    EXPECT_EQ(order, "") << "as any release: after all that the owner has started";
  });
  EXPECT_EQ(order, "r1");
  order.clear();
  rt.run({.name = "many"}, [&](scope& s) {
    for (int i = 0; i < 10'000; ++i) s.defer([] {});
    EXPECT_REFUSED(scope_acquire(s, std::make_unique<int>(7), release()), "more than 10,000 cleanups");
    const lazy_resource lazy(s, {}, acquire(), release());
    EXPECT_REFUSED((void)lazy.get(), "more than 10,000 cleanups");
  });
  EXPECT_EQ(order, "arr");
}

TEST_F(Resource, IsReleasedShieldedAndBounded) {
  manual_runtime rt;
  duration bound{};
  rt.run([&](scope& s) {
    s.on_event([&](const lifecycle_event& e) {
       if (const auto* late = std::get_if<event::cleanup_timed_out>(&e.body)) bound = late->bound;
     }).keep();
    s.scope([&](scope& inner) {
      scope_acquire(inner, {.timeout = 5ms}, 1, [&](context& ctx, int&) { ctx.sleep_for(1h); });
      scope_acquire(inner, 1, [&](context& ctx, int&) {
        ctx.sleep_for(1ms);
        order += 'r';
      });
    });
  });
  EXPECT_EQ(bound, 5ms);
  EXPECT_EQ(order, "r");
}

using LazyResource = Resource;

TEST_F(LazyResource, IsNeitherAcquiredNorReleasedWithoutARequest) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    const lazy_resource r(s, {}, acquire(), release());
    EXPECT_FALSE(r.is_held());
  });
  EXPECT_EQ(order, "");
}

TEST_F(LazyResource, IsAcquiredOnceForAllRequests) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    s.defer(says('1'));
    const lazy_resource r(s, {.name = "db"}, acquire(), release());
    s.defer(says('2'));
    for (int i = 0; i < 50; ++i)
      s.spawn([&, r] {
        EXPECT_EQ(*r.get(), 7);
        EXPECT_TRUE(r.is_held());
      });
    s.sleep_for(5ms);
    EXPECT_EQ(order, "a");
    s.defer(says('3'));
  });
  EXPECT_EQ(order, "a3r21") << "last in first out, from when it was acquired";
}

TEST_F(LazyResource, SharesAFailureAmongItsWaitersAndIsTriedAgainAfterIt) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    int acquired = 0, failed = 0;
    const lazy_resource r(
        s, {.name = "db"},
        [&](context& ctx) {
          ctx.sleep_for(1ms);
          if (++acquired == 1) throw std::runtime_error("refused");
          return acquired;
        },
        [&](int& n) { order += std::to_string(n); });
    for (int i = 0; i < 3; ++i)
      s.spawn([&] {
        try {
          (void)r.get();
        } catch (const std::runtime_error& e) {
          EXPECT_STREQ(e.what(), "refused");
          ++failed;
        }
      });
    s.sleep_for(5ms);
    EXPECT_EQ(failed, 3);
    EXPECT_EQ(acquired, 1);
    EXPECT_FALSE(s.stopping()) << "the failure is that of the callers";
    EXPECT_FALSE(r.is_held());
    EXPECT_EQ(r.get(), 2);
    EXPECT_EQ(r.get(), 2);
  });
  EXPECT_EQ(order, "2") << "released once: what was never acquired is not released";
}

TEST_F(LazyResource, IsNotLostWhenTheFirstRequestIsCancelled) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    const lazy_resource r(s, {}, acquire(10ms), release());
    EXPECT_THROW(timeout(1ms, [&] { (void)r.get(); })(s), timed_out);
    auto patient = s.spawn([&] { return *r.get(); });
    s.sleep_for(1ms);
    EXPECT_EQ(patient.get(), 7);
    EXPECT_EQ(order, "a") << "the acquisition was the scope's, and went on";
  });
  EXPECT_EQ(order, "ar");
}

TEST_F(LazyResource, IsReleasedAlsoWhenItsOwnerStopsWhileItIsAcquired) {
  manual_runtime rt;
  EXPECT_THROW(rt.run([&](scope& s) {
    const lazy_resource r(s, {}, uncancellable(1min, acquire(10ms)), release());
    s.spawn([r] { (void)r.get(); });
    s.sleep_for(1ms);
    s.cancel("enough");
    s.check();
  }),
               scope_cancelled);
  EXPECT_EQ(order, "ar");
  order.clear();
  EXPECT_THROW(rt.run([&](scope& s) {
    const lazy_resource r(s, {}, acquire(10ms), release());
    s.spawn([r] { (void)r.get(); });
    s.sleep_for(1ms);
    s.cancel("enough");
    s.check();
  }),
               scope_cancelled);
  EXPECT_EQ(order, "") << "the control: an acquisition that was cancelled has nothing to release";
}

TEST_F(LazyResource, IsAvailableToCleanupsThatRunBeforeItsRelease) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    const lazy_resource r(s, {}, acquire(), release());
    (void)r.get();
    s.defer([this, r] {
      EXPECT_EQ(*r.get(), 7);
      order += 'c';
    });
  });
  EXPECT_EQ(order, "acr");
  order.clear();
  rt.run([&](scope& s) {  // also for the first time
    const lazy_resource r(s, {}, acquire(), release());
    s.defer([r] { EXPECT_EQ(*r.get(), 7); });
  });
  EXPECT_EQ(order, "ar");
}

TEST_F(LazyResource, MayBeAReferenceOrMovedOutOfNothing) {
  manual_runtime rt;
  int there = 1;
  rt.run([&](scope& s) {
    const lazy_resource r(
        s, {}, [&]() -> int& { return there; }, [&](int& n) { EXPECT_EQ(&n, &there); });
    EXPECT_EQ(&r.get(), &there);
  });
}

using SharedResource = Resource;

TEST_F(SharedResource, IsOneForAllTasksOfAScopeAndAnotherForTheNext) {
  manual_runtime rt;
  int made = 0;
  const shared_resource r(
      {.name = "session"},
      [&](context& ctx) {
        ctx.sleep_for(1ms);
        order += 'a';
        return ++made;
      },
      [&](int& n) { order += std::to_string(n); });
  rt.run([&](scope& s) {
    for (int i = 0; i < 10; ++i) s.spawn([&] { EXPECT_EQ(r.get(s), 1); });
    s.sleep_for(5ms);
    s.scope([&](scope& inner) {
      EXPECT_EQ(r.get(s), 1) << "that of the outer scope";
      EXPECT_EQ(r.get(inner), 2) << "its own";
    });
    EXPECT_EQ(order, "aa2");
  });
  rt.run([&](scope& s) { EXPECT_EQ(r.get(s), 3); });
  EXPECT_EQ(order, "aa21a3");
}

TEST_F(SharedResource, MayGoBeforeTheScopesThatHaveIt) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    std::optional<shared_resource<std::unique_ptr<int>>> first(std::in_place, resource_options{}, acquire(), release());
    const auto copy = *first;
    auto& held = first->get(s);
    EXPECT_EQ(&copy.get(s), &held) << "a copy is the same definition";
    first.reset();
    const shared_resource<std::unique_ptr<int>> other({}, acquire(), release());
    EXPECT_NE(&other.get(s), &held);
    EXPECT_EQ(order, "aa");
  });
  EXPECT_EQ(order, "aarr");
}

// Random askers, failures and cancellations: never two acquisitions at once, one release for each that succeeded.
TEST_F(LazyResource, BalancesAcquisitionsAndReleasesInRandomRuns) {
  const auto seed = test::seed();
  std::mt19937_64 random(seed);
  manual_runtime rt;
  int acquired = 0, failures = 0, released = 0;
  for (int round = 0; round < 200; ++round) {
    int at_once = 0;
    try {
      rt.run([&](scope& s) {
        const bool shields = random() % 2 == 0;
        const auto body = [&](context& ctx) {
          EXPECT_EQ(++at_once, 1) << "seed " << seed;
          const auto left = std::shared_ptr<void>(nullptr, [&](void*) { --at_once; });
          ctx.sleep_for(std::chrono::microseconds(random() % 50));
          if (random() % 2 == 0) {
            ++failures;
            throw std::runtime_error("refused");
          }
          return ++acquired;
        };
        const auto slowly = [body, shields](context& ctx) mutable {
          return shields ? uncancellable(1min, body)(ctx) : body(ctx);
        };
        const lazy_resource r(s, {}, slowly, [&](int&) { ++released; });
        for (int i = 0; i < 5; ++i) {
          auto t = s.spawn({.background = true}, [r] { (void)r.get(); });
          if (random() % 4 == 0) t.cancel("at random");
          s.sleep_for(std::chrono::microseconds(random() % 40));
        }
        if (random() % 2 == 0) s.cancel("at random");
        s.sleep_for(20us);
      });
    } catch (const scope_cancelled&) {
    }
    ASSERT_EQ(acquired, released) << "seed " << seed << ", round " << round;
  }
  EXPECT_GT(acquired, 20) << "seed " << seed;
  EXPECT_GT(failures, 20) << "seed " << seed;
}

using ResourceDeathTest = Resource;

TEST_F(ResourceDeathTest, RefusesWhatCannotBe) {
  manual_runtime rt;
  const auto in_scope = [&](auto body) { rt.run({.name = "s"}, body); };
  EXPECT_REFUSED(in_scope([&](scope& s) { lazy_resource(s, {.name = ""}, acquire(), release()); }),
                 "a resource's name has 0 characters");
  EXPECT_REFUSED(shared_resource({.timeout = 0s}, acquire(), release()),
                 "the time-out of its release has to be more than zero");
  EXPECT_DEATH(in_scope([&](scope& s) {
                 lazy_resource r(s, {.name = "db"}, acquire(), release());
                 s.defer([r] { (void)r.get(); });  // runs after the release
                 (void)r.get();
               }),
               "resource \"db\" of scope \"s\" was asked for after it was released");
  EXPECT_DEATH(
      in_scope([&](scope& s) {
        std::optional<lazy_resource<std::unique_ptr<int>>> kept;
        s.scope([&](scope& inner) { kept.emplace(inner, resource_options{.name = "db"}, acquire(), release()); });
        (void)kept->get();
      }),
      "resource \"db\" was asked for after its scope has closed");
  EXPECT_DEATH(in_scope([&](scope& s) {
                 lazy_resource r(s, {.name = "db"}, acquire(), release());
                 std::thread([&] { (void)r.get(); }).join();
               }),
               "was asked for on another thread");
}

}  // namespace
}  // namespace workit
