// The out-of-memory killer's counters, in files of the test's own.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <support/temporary_directory.hpp>
#include <workit/workers/detail/oom_guess.hpp>

namespace workit::workers {
namespace {

class OomGuess : public testing::Test {
 protected:
  OomGuess() {
    std::filesystem::create_directories(proc_.path() / "self");
    std::filesystem::create_directories(proc_.path() / "group" / "pool");
  }
  void mount(const std::string& cgroup, const std::string& type, const std::string& options) const {
    proc_.write("self/cgroup", cgroup);
    proc_.write("self/mountinfo",
                "36 35 98:0 / " + proc_.file("group") + " rw shared:1 - " + type + " cgroup " + options + "\n");
  }
  [[nodiscard]] oom_sources find() const { return oom_sources::find(proc_.path().string()); }

  test::temporary_directory proc_;
};

TEST_F(OomGuess, ReadsTheGroupsCounterOfVersionTwo) {
  mount("0::/pool\n", "cgroup2", "rw");
  proc_.write("group/pool/memory.events", "low 0\nhigh 0\nmax 9\noom 3\noom_kill 2\n");
  const auto sources = find();
  EXPECT_EQ(sources.group, proc_.file("group/pool/memory.events"));
  EXPECT_EQ(read_oom_counts(sources).group, 2U);
}

TEST_F(OomGuess, ReadsTheGroupsCounterOfVersionOne) {
  mount("5:cpu:/pool\n4:memory:/pool\n", "cgroup", "rw,memory");
  proc_.write("group/pool/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n");
  EXPECT_EQ(read_oom_counts(find()).group, 4U);
}

TEST_F(OomGuess, ReadsTheMachinesCounterWhereThereIsNoGroup) {
  mount("5:cpu:/pool\n", "cgroup", "rw,cpu");
  proc_.write("vmstat", "nr_free_pages 10\noom_kill 6\n");
  const auto counts = read_oom_counts(find());
  EXPECT_FALSE(counts.group);
  EXPECT_EQ(counts.machine, 6U);
}

TEST_F(OomGuess, ComparesTheCountersBeforeAndAfterADeath) {
  const oom_counts one{.group = 1}, two{.group = 2}, machine_one{.machine = 1}, machine_two{.machine = 2};
  constexpr std::uint64_t large = 1 << 20;
  EXPECT_EQ(guess_oom(one, two, 0), out_of_memory::likely);
  EXPECT_EQ(guess_oom(one, one, large), out_of_memory::no);
  EXPECT_EQ(guess_oom(machine_one, machine_two, large), out_of_memory::likely);
  EXPECT_EQ(guess_oom(machine_one, machine_two, large - 1), out_of_memory::unknown) << "it was another's";
  EXPECT_EQ(guess_oom(machine_one, machine_one, large), out_of_memory::no);
  EXPECT_EQ(guess_oom({}, machine_one, large), out_of_memory::unknown);
}

}  // namespace
}  // namespace workit::workers
