#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <support/fixture.hpp>
#include <workit/compose.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class All : public test::runtime_test {};

TEST_F(All, ReturnsATupleInTheOrderGiven) {
  manual_runtime rt;
  auto got = rt.run(all([](context& ctx) { ctx.sleep_for(2s); return 1; }, [] { return std::string("two"); }, [] {},
                        [](context& ctx) { ctx.sleep_for(1s); return std::make_unique<int>(4); }));
  EXPECT_EQ(std::get<0>(got), 1);
  EXPECT_EQ(std::get<1>(got), "two");
  static_assert(std::is_same_v<std::tuple_element_t<2, decltype(got)>, std::monostate>);
  EXPECT_EQ(*std::get<3>(got), 4);
}

}  // namespace
}  // namespace workit
