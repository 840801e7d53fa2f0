// use_fiber: results, errors, and the loop on which it resumes.
#include <gtest/gtest.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <support/fixture.hpp>
#include <thread>
#include <workit/fiber/detail/fiber.hpp>
#include <workit/scope/executor.hpp>
#include <workit/scope/runtime.hpp>
#include <workit/use_fiber.hpp>

#include "use_fiber_operations.hpp"

namespace workit {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using boost::system::error_code;
using namespace std::chrono_literals;
using test::foreign_context;
using test::held_operation;
using test::manual_runtime;

class UseFiber : public test::runtime_test {};
using UseFiberDeathTest = UseFiber;

// --- What it returns

TEST_F(UseFiber, ReturnsNothingForAHandlerWithoutArguments) {
  manual_runtime rt;
  rt.run([](scope& s) {
    held_operation<> op;
    s.spawn([&] { op.complete(); });
    static_assert(std::is_void_v<decltype(op.async_wait(use_fiber))>);
    op.async_wait(use_fiber);
  });
}

TEST_F(UseFiber, ReturnsTheValueAfterAnErrorCode) {
  manual_runtime rt;
  rt.run([](scope& s) {
    held_operation<error_code> none;
    s.spawn([&] { none.complete({}); });
    static_assert(std::is_void_v<decltype(none.async_wait(use_fiber))>);
    none.async_wait(use_fiber);

    held_operation<error_code, int> one;
    s.spawn([&] { one.complete({}, 7); });
    EXPECT_EQ(one.async_wait(use_fiber), 7);

    held_operation<int> bare;
    s.spawn([&] { bare.complete(8); });
    EXPECT_EQ(bare.async_wait(use_fiber), 8);
  });
}

TEST_F(UseFiber, ReturnsSeveralResultsAsATuple) {
  manual_runtime rt;
  rt.run([](scope& s) {
    held_operation<error_code, int, std::string> op;
    s.spawn([&] { op.complete({}, 1, "two"); });
    const auto [number, text] = op.async_wait(use_fiber);
    EXPECT_EQ(number, 1);
    EXPECT_EQ(text, "two");

    held_operation<int, std::string> bare;
    s.spawn([&] { bare.complete(3, "four"); });
    EXPECT_EQ(bare.async_wait(use_fiber), std::make_tuple(3, std::string("four")));
  });
}

TEST_F(UseFiber, MovesAMoveOnlyResult) {
  manual_runtime rt;
  rt.run([](scope& s) {
    held_operation<error_code, std::unique_ptr<int>> op;
    s.spawn([&] { op.complete({}, std::make_unique<int>(5)); });
    EXPECT_EQ(*op.async_wait(use_fiber), 5);
  });
}

TEST_F(UseFiber, ThrowsAnErrorCodeAsASystemError) {
  manual_runtime rt;
  rt.run([](scope& s) {
    held_operation<error_code, int> op;
    s.spawn([&] { op.complete(asio::error::connection_reset, 0); });
    try {
      op.async_wait(use_fiber);
      ADD_FAILURE();
    } catch (const boost::system::system_error& e) {
      EXPECT_EQ(e.code(), asio::error::connection_reset);
    }
  });
}

TEST_F(UseFiber, RethrowsAnExceptionPtr) {
  manual_runtime rt;
  rt.run([](scope& s) {
    held_operation<std::exception_ptr> bad;
    const auto error = std::make_exception_ptr(std::out_of_range("far"));
    s.spawn([&] { bad.complete(error); });
    EXPECT_THROW(bad.async_wait(use_fiber), std::out_of_range);

    held_operation<std::exception_ptr, int> good;
    s.spawn([&] { good.complete(nullptr, 9); });
    EXPECT_EQ(good.async_wait(use_fiber), 9);
  });
}

TEST_F(UseFiber, ComposesWithAsTupleAndRedirectError) {
  manual_runtime rt;
  rt.run([](scope& s) {
    held_operation<error_code, int> op;
    s.spawn([&] { op.complete(asio::error::eof, 3); });
    const auto [failed, n] = op.async_wait(asio::as_tuple(use_fiber));
    EXPECT_EQ(failed, asio::error::eof);
    EXPECT_EQ(n, 3);

    held_operation<error_code, int> other;
    s.spawn([&] { other.complete(asio::error::eof, 4); });
    error_code redirected;
    EXPECT_EQ(other.async_wait(asio::redirect_error(use_fiber, redirected)), 4);
    EXPECT_EQ(redirected, asio::error::eof);
  });
}

TEST_F(UseFiber, TakesAnOperationThatCompletesInsideItsInitiation) {
  manual_runtime rt;
  rt.run([](scope&) {
    const int got = asio::async_initiate<const use_fiber_t, void(error_code, int)>(
        [](auto handler) { std::move(handler)(error_code{}, 6); }, use_fiber);
    EXPECT_EQ(got, 6);
  });
}

// --- Clause 1: the handler's associated executor is the fiber's loop; the fiber resumes there

TEST_F(UseFiber, NamesTheFibersLoopAsTheExecutorOfItsHandler) {
  manual_runtime rt;
  rt.run([](scope& s) {
    held_operation<> op;
    s.spawn([&] { op.complete(); });
    op.async_wait(use_fiber);
    EXPECT_TRUE(op.handlers_executor == asio::any_io_executor(executor(s)));
  });
}

TEST_F(UseFiber, ResumesTheFiberOnItsOwnThreadWhereverTheOperationCompletes) {
  runtime rt;
  rt.run([](scope& s) {
    const auto mine = std::this_thread::get_id();
    held_operation<> op;
    std::jthread completer;
    s.spawn([&] { completer = std::jthread([&] { op.complete(); }); });
    op.async_wait(use_fiber);
    EXPECT_EQ(std::this_thread::get_id(), mine);
  });
}

TEST_F(UseFiber, AwaitsAnObjectThatLivesOnAnotherContext) {
  foreign_context foreign;
  runtime rt;
  rt.run([&](scope&) {
    const auto mine = std::this_thread::get_id();
    asio::steady_timer timer(foreign.io, 0ms);
    timer.async_wait(use_fiber);
    EXPECT_EQ(std::this_thread::get_id(), mine);
  });
}

// --- Clause 7: handlers run on the loop's own stack; suspending there is misuse

TEST_F(UseFiberDeathTest, UsedInAHandlerIsMisuse) {
  EXPECT_DEATH(manual_runtime().run([](scope& s) {
    held_operation<> op;
    asio::post(executor(s), [&] { op.async_wait(use_fiber); });
    s.sleep_for(1h);
  }),
               "awaiting an I/O operation suspends, and only a fiber can: it was called on the loop's own stack");
}

TEST_F(UseFiberDeathTest, UsedOnAForeignThreadIsMisuse) {
  EXPECT_DEATH(held_operation<>().async_wait(use_fiber),
               "awaiting an I/O operation suspends.*on a thread that is not the runtime's");
}

TEST_F(UseFiber, RunsHandlersOfOtherTokensOutsideOfFibers) {
  manual_runtime rt;
  rt.run([](scope& s) {
    bool ran = false;
    asio::steady_timer timer(executor(s), 0ms);
    timer.async_wait([&](error_code) {
      EXPECT_EQ(detail::fiber::current(), nullptr);
      ran = true;
    });
    while (!ran) s.yield();
  });
}

// --- With Asio's own objects

TEST_F(UseFiber, ReadsAndWritesASocket) {
  manual_runtime rt;
  rt.run([](scope& s) {
    stream_protocol::socket a(executor(s)), b(executor(s));
    asio::local::connect_pair(a, b);
    s.spawn([&] {
      std::string line = "hello";
      EXPECT_EQ(asio::async_write(a, asio::buffer(line), use_fiber), line.size());
      a.close();
    });
    std::string got(5, ' ');
    EXPECT_EQ(asio::async_read(b, asio::buffer(got), use_fiber), 5u);
    EXPECT_EQ(got, "hello");
    char more = 0;
    EXPECT_THROW(b.async_read_some(asio::buffer(&more, 1), use_fiber), boost::system::system_error) << "end of file";
  });
}

}  // namespace
}  // namespace workit
