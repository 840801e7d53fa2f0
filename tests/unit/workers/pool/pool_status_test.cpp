// render_pool: the numbers of a pool as text.
#include <gtest/gtest.h>

#include <workit/workers/pool_status.hpp>

namespace workit::test {
namespace {

using namespace std::chrono_literals;
using workers::pool_status;
using workers::render_pool;

TEST(RenderPool, HasALineForTheWorkersAndOneForTheQueueWhenNothingHappened) {
  EXPECT_EQ(
      render_pool("rank", {}),
      "rank: 0 busy, 0 idle (0 spare), 0 starting, 0 dying; 0 started, 0 killed, 0 crashed, 0 recycled, 0 let go\n"
      "  queue: 0, 0 before it, the longest since 0 us, 0 refused\n");
}

TEST(RenderPool, HasALineForEachKindOfStopAndForEachHistogramThatHasAnything) {
  pool_status status;
  status.stops.count(reason::deadline{});
  status.stops.count(reason::deadline{});
  status.stop_latency.record(1500us);
  const auto text = render_pool("rank", status);
  EXPECT_NE(text.find("  stopped, deadline: 2\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  stop latency: 1, p50 1.44 ms, p99 1.44 ms, largest 1.5 ms\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("queue wait"), std::string::npos) << text;
}

TEST(RenderPool, ShowsFailuresOfZygotesOnceThereAreAny) {
  pool_status status;
  status.zygotes = 3;
  EXPECT_EQ(render_pool("rank", status).find("zygotes"), std::string::npos);
  status.zygote_failures = 2;
  EXPECT_NE(render_pool("rank", status).find("  zygotes: 3 started, 2 failures\n"), std::string::npos);
}

TEST(RenderPool, ShowsNoCharacterThatCouldSteerATerminal) {
  EXPECT_EQ(render_pool("a\x1b[2Jb\x7f", {}).substr(0, 8), "a?[2Jb?:");
}

}  // namespace
}  // namespace workit::test
