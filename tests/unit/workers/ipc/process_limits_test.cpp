// Limits: as numbers, the stricter of two, and what is wrong with them.
#include <gtest/gtest.h>

#include <limit_note.hpp>
#include <workit/workers/process_limits.hpp>

namespace workit::workers {
namespace {

using namespace std::chrono_literals;

TEST(ProcessLimits, AreNumbersWithNoneForWhatIsNotSet) {
  const auto values = values_of({.memory = 1 << 20, .cpu = 2ms});
  EXPECT_EQ(values.memory, 1U << 20);
  EXPECT_EQ(values.cpu_ns, 2'000'000U);
  EXPECT_EQ(values.files, limit_values::none);
  EXPECT_EQ(values.output, limit_values::none);
  EXPECT_EQ(values.stack, limit_values::none);
  EXPECT_EQ(values.processes, limit_values::none);
}

TEST(ProcessLimits, OfPoolAndCallTheLowerHolds) {
  const limit_values pool{.memory = 5, .cpu_ns = 50, .files = 1, .output = 10, .stack = 7, .processes = 0};
  const limit_values call{.memory = 4, .cpu_ns = 60, .files = 2, .output = 9, .stack = 8};
  const auto both = stricter(pool, call);
  EXPECT_EQ(both.memory, 4U);
  EXPECT_EQ(both.cpu_ns, 50U);
  EXPECT_EQ(both.files, 1U);
  EXPECT_EQ(both.output, 9U);
  EXPECT_EQ(both.stack, 7U);
  EXPECT_EQ(both.processes, 0U);
}

TEST(ProcessLimits, ThatNoTaskCouldKeepAreRefused) {
  EXPECT_FALSE(complaint_about({.memory = 64 << 10, .cpu = 1ns, .files = 0, .output = 1, .stack = 64 << 10}));
  EXPECT_TRUE(complaint_about({.memory = (64 << 10) - 1}).value_or("").starts_with("limits.memory is 65535 bytes"));
  EXPECT_TRUE(complaint_about({.cpu = 0ns}));
  EXPECT_TRUE(complaint_about({.output = 0}));
  EXPECT_TRUE(complaint_about({.stack = (64 << 10) - 1}));
  EXPECT_TRUE(complaint_about({.stack = (std::uint64_t{64} << 20) + 1}));
}

TEST(LimitNote, NamesAResourceOrNone) {
  for (const auto r : {resource::memory, resource::cpu, resource::files, resource::output, resource::stack})
    EXPECT_EQ(noted(note_of(r)), r);
  EXPECT_FALSE(noted(0));
  EXPECT_FALSE(noted(1000)) << "a worker can write anything";
  EXPECT_EQ(limit_of({.files = 3}, resource::files), 3U);
}

}  // namespace
}  // namespace workit::workers
