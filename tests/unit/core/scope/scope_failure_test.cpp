// A task fails: its scope cancels the siblings and throws the error.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <support/fixture.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class ScopeFailure : public test::runtime_test {};

TEST_F(ScopeFailure, CancelsSiblingsWhenATaskFails) {
  manual_runtime rt;
  std::string sibling_heard;
  work_id culprit = 0;
  try {
    rt.run([&](scope& s) {
      s.spawn({.name = "waits"}, [&](context& ctx) {
        try {
          ctx.sleep_for(1h);
        } catch (const cancelled& c) {
          const auto& why = std::get<reason::sibling_failed>(c.why());
          sibling_heard = why.name;
          culprit -= why.sibling;
          throw;
        }
      });
      culprit += s.spawn({.name = "fails"}, [](context& ctx) {
                    ctx.sleep_for(1s);
                    throw std::runtime_error("original");
                  }).id();
      s.sleep_for(1h);
    });
    ADD_FAILURE();
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "original") << "the failure is what the scope throws, not the cancellation it caused";
  }
  EXPECT_EQ(sibling_heard, "fails");
  EXPECT_EQ(culprit, 0u);
}

TEST_F(ScopeFailure, ThrowsTheVeryErrorOfItsFirstFailedTask) {
  manual_runtime rt;
  const auto original = std::make_exception_ptr(std::runtime_error("first"));
  std::exception_ptr thrown;
  try {
    rt.run([&](scope& s) {
      s.spawn([&] { std::rethrow_exception(original); });
      s.spawn([&](context& ctx) {
        ctx.defer([] {});
        throw std::runtime_error("second");
      });
    });
  } catch (...) {
    thrown = std::current_exception();
  }
  EXPECT_EQ(thrown, original);
}

TEST_F(ScopeFailure, IsNotFailedByABackgroundTask) {
  manual_runtime rt;
  bool sibling_ended = false;
  const int got = rt.run([&](scope& s) {
    s.spawn({.background = true}, [] { throw std::runtime_error("unheard"); });
    s.spawn([&](context& ctx) {
      ctx.sleep_for(1h);
      sibling_ended = true;
    });
    return 1;
  });
  EXPECT_EQ(got, 1);
  EXPECT_TRUE(sibling_ended);
}

TEST_F(ScopeFailure, IsNotFailedByTheCancellationOfOneOfItsTasks) {
  manual_runtime rt;
  bool sibling_ended = false;
  rt.run([&](scope& s) {
    auto one = s.spawn([](context& ctx) { ctx.sleep_for(2h); });
    s.spawn([&](context& ctx) {
      ctx.sleep_for(1h);
      sibling_ended = true;
    });
    s.sleep_for(1s);
    one.cancel("only this");
  });
  EXPECT_TRUE(sibling_ended);
}

TEST_F(ScopeFailure, CancelsWhatItOwnsWhenItsBodyFails) {
  manual_runtime rt;
  std::string child_heard;
  const auto start = rt.clock.now();
  EXPECT_THROW(rt.run([&](scope& s) {
    s.spawn([&](context& ctx) {
      try {
        ctx.sleep_for(1h);
      } catch (const cancelled& c) {
        child_heard = kind_of(c.why());
        throw;
      }
    });
    s.sleep_for(1ms);
    throw std::runtime_error("body");
  }),
               std::runtime_error);
  EXPECT_EQ(child_heard, "parent_failed");
  EXPECT_EQ(rt.clock.now(), start + 1ms);
}

TEST_F(ScopeFailure, CancelsWhatItOwnsWhenItsBodyLeavesByCancelled) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  EXPECT_THROW(rt.run([&](scope& s) {
    s.spawn([](context& ctx) { ctx.sleep_for(1h); });
    s.sleep_for(1ms);
    s.cancel("leave");
    s.check();
  }),
               scope_cancelled);
  EXPECT_EQ(rt.clock.now(), start + 1ms) << "the child was waited for instead of being cancelled";
}

TEST_F(ScopeFailure, EndsItsTasksWithScopeEndedWhenAForeignCancelledLeavesItsBody) {
  manual_runtime rt;
  std::string child_heard;
  rt.run([&](scope& s) {
    auto t = s.spawn({.background = true}, [&](context& ctx) {
      try {
        ctx.scope([](scope& in) {
          in.cancel("x");
          try {
            in.check();
          } catch (const cancelled& c) {
            throw std::make_exception_ptr(c);
          }
        });
      } catch (const std::exception_ptr& stolen) {
        ctx.scope([&](scope& in) {
          in.spawn([&](context& c) {
            try {
              c.sleep_for(1h);
            } catch (const cancelled& why) {
              child_heard = kind_of(why.why());
              throw;
            }
          });
          in.sleep_for(1ms);
          std::rethrow_exception(stolen);
        });
      }
    });
    EXPECT_TRUE(t.result().is_error()) << "scope_cancelled: the task itself was not";
  });
  EXPECT_EQ(child_heard, "scope_ended");
}

TEST_F(ScopeFailure, PrefersTheErrorOfItsBodyToThatOfAChildThatFailedBecauseOfIt) {
  manual_runtime rt;
  try {
    rt.run([&](scope& s) {
      s.spawn([](context& ctx) {
        try {
          ctx.sleep_for(1h);
        } catch (const cancelled&) {
          throw std::logic_error("child, in consequence");
        }
      });
      s.sleep_for(1ms);
      throw std::runtime_error("body");
    });
    ADD_FAILURE();
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "body");
  }
}

TEST_F(ScopeFailure, PrefersTheErrorOfAChildToThatOfABodyThatFailedBecauseOfIt) {
  manual_runtime rt;
  try {
    rt.run([&](scope& s) {
      s.spawn([] { throw std::runtime_error("child"); });
      try {
        s.sleep_for(1h);
      } catch (const cancelled&) {
        throw std::logic_error("body, in consequence");
      }
    });
    ADD_FAILURE();
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "child");
  }
}

}  // namespace
}  // namespace workit
