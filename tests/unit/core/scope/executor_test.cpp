// executor(): the Asio executor of a loop.
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <support/fixture.hpp>
#include <thread>
#include <workit/scope/executor.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

class Executor : public test::runtime_test {};

TEST_F(Executor, RunsWorkOnTheThreadOfItsScopeTree) {
  runtime rt({.io_threads = 2});
  for (int i = 0; i < 2; ++i)
    rt.run([](scope& s) {
      const auto mine = std::this_thread::get_id();
      bool ran = false;
      boost::asio::post(executor(s), [&] {
        EXPECT_EQ(std::this_thread::get_id(), mine);
        ran = true;
      });
      while (!ran) s.yield();
    });
}

TEST_F(Executor, IsTheSameThroughoutATreeAndAnotherForAnotherLoop) {
  runtime rt({.io_threads = 2});
  const auto first = rt.run([](scope& s) {
    const auto mine = executor(s);
    s.spawn([&](context& ctx) { EXPECT_EQ(executor(ctx), mine); }).get();
    s.scope([&](scope& in) { EXPECT_EQ(executor(in), mine); });
    return mine;
  });
  rt.run([&](scope& s) { EXPECT_NE(executor(s), first); });
}

}  // namespace
}  // namespace workit
