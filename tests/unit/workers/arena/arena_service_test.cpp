// Calls at boundary::cooperative, and the arena that runs them.
#include <gtest/gtest.h>

#include <atomic>
#include <support/fixture.hpp>
#include <workit/base/errors.hpp>
#include <workit/workers/arena.hpp>
#include <workit/workers/offload.hpp>
#include <workit/workers/worker_context.hpp>

namespace workit::test {
namespace {

using namespace std::chrono_literals;

class ArenaService : public runtime_test {};

TEST_F(ArenaService, RefusesWrongOptions) {
  EXPECT_THROW(static_cast<void>(arena({.name = ""})), start_failed);
  EXPECT_THROW(static_cast<void>(arena({.name = std::string(65, 'x')})), start_failed);
  EXPECT_THROW(static_cast<void>(arena({.threads = 1025})), start_failed);
  EXPECT_NO_THROW(static_cast<void>(arena({.threads = 1024})));
}

const offload_options here{.boundary = boundary::cooperative};

TEST_F(ArenaService, ReturnsValuesAndExceptions) {
  runtime rt({}, arena({.threads = 1}));
  rt.run([](scope& s) {
    EXPECT_EQ(offload(
                  here, [](int a, int b) { return a + b; }, 40, 2)(s),
              42);
    EXPECT_THROW(offload(here, [] { throw std::out_of_range("far"); })(s), std::out_of_range);
  });
}

TEST_F(ArenaService, AsksTheTaskToStop) {
  runtime rt({}, arena({.threads = 1}));
  EXPECT_THROW(rt.run({.deadline = 1ms},
                      [](scope& s) {
                        offload(here, [](worker_context& ctx) {
                          for (;;) ctx.check();
                        })(s);
                      }),
               timed_out);
}

TEST_F(ArenaService, IsNamedWhereThereIsNone) {
  runtime rt({}, arena({.name = "one", .threads = 1}));
  rt.run([](scope& s) {
    EXPECT_THROW(offload({.boundary = boundary::cooperative, .pool = "other"}, [] {})(s), start_failed);
  });
}

}  // namespace
}  // namespace workit::test
