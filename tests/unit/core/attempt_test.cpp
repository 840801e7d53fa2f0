#include <gtest/gtest.h>

#include <support/fixture.hpp>
#include <workit/runtime.hpp>

namespace workit {
namespace {

using test::manual_runtime;

class Attempt : public test::runtime_test {};

TEST_F(Attempt, IsOneWhereNobodyRetries) {
  manual_runtime rt;
  rt.run([](scope& s) {
    EXPECT_EQ(s.attempt(), 1U);
    s.spawn([](context& ctx) { EXPECT_EQ(ctx.attempt(), 1U); }).get();
    EXPECT_EQ(s.node().said(), nullptr) << "and costs nothing";
  });
}

TEST_F(Attempt, IsThatOfTheInnermostRetryAndEndsWithIt) {
  manual_runtime rt;
  rt.run([](scope& s) {
    s.spawn([](context& ctx) {
       const detail::attempting outer(ctx.node(), 2);
       EXPECT_EQ(ctx.attempt(), 2U);
       ctx.scope([](scope& in) {
         EXPECT_EQ(in.attempt(), 2U);
         in.spawn([](context& c) {
             EXPECT_EQ(c.attempt(), 2U);
             {
               const detail::attempting inner(c.node(), 7);
               EXPECT_EQ(c.attempt(), 7U);
             }
             EXPECT_EQ(c.attempt(), 2U);
           }).get();
       });
       {
         const detail::attempting inner(ctx.node(), 1);
         EXPECT_EQ(ctx.attempt(), 1U);
       }
       EXPECT_EQ(ctx.attempt(), 2U);
     }).get();
    EXPECT_EQ(s.attempt(), 1U);
  });
}

}  // namespace
}  // namespace workit
