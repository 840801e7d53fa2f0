// How many tasks compute at once by default: processors, and the CPU quotas of cgroups in files of the test's own.
#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <support/temporary_directory.hpp>
#include <workit/base/default_concurrency.hpp>
#include <workit/base/detail/process_scheduling.hpp>

namespace workit::test {
namespace {

class CpuQuota : public testing::Test {
 protected:
  CpuQuota() {
    std::filesystem::create_directories(proc_.path() / "self");
    std::filesystem::create_directories(proc_.path() / "group" / "slice" / "service");
  }
  void mount(const std::string& cgroup, const std::string& type, const std::string& options,
             const std::string& root = "/") const {
    proc_.write("self/cgroup", cgroup);
    proc_.write("self/mountinfo", "36 35 98:0 " + root + " " + proc_.file("group") + " rw shared:1 - " + type +
                                      " cgroup " + options + "\n");
  }
  [[nodiscard]] std::optional<double> quota() const { return workit::detail::cpu_quota(proc_.path().string()); }

  temporary_directory proc_;
};

TEST_F(CpuQuota, OfVersionTwoIsTheLeastOfTheGroupAndThoseAbove) {
  mount("0::/slice/service\n", "cgroup2", "rw");
  EXPECT_EQ(quota(), std::nullopt) << "there are no files";
  proc_.write("group/slice/service/cpu.max", "max 100000\n");
  EXPECT_EQ(quota(), std::nullopt);
  proc_.write("group/slice/cpu.max", "250000 100000\n");
  EXPECT_EQ(quota(), 2.5);
  proc_.write("group/slice/service/cpu.max", "50000 100000\n");
  EXPECT_EQ(quota(), 0.5);
}

TEST_F(CpuQuota, OfVersionTwoInAContainerIsThatOfTheMount) {
  mount("0::/\n", "cgroup2", "rw");
  proc_.write("group/cpu.max", "150000 100000\n");
  EXPECT_EQ(quota(), 1.5);
}

TEST_F(CpuQuota, OfVersionOneIsInTwoFiles) {
  mount("4:memory:/\n1:cpu,cpuacct:/slice\n0::/\n", "cgroup", "rw,cpu,cpuacct");
  proc_.write("group/slice/cpu.cfs_quota_us", "-1\n");
  proc_.write("group/slice/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), std::nullopt);
  proc_.write("group/slice/cpu.cfs_quota_us", "300000\n");
  EXPECT_EQ(quota(), 3);
}

// A container without a namespace of its own for cgroups sees the host's path, and its own part mounted.
TEST_F(CpuQuota, IsFoundBelowTheRootOfTheMount) {
  mount("1:cpu:/docker/abc\n", "cgroup", "rw,cpu", "/docker/abc");
  proc_.write("group/cpu.cfs_quota_us", "200000\n");
  proc_.write("group/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 2);
  mount("1:cpu:/elsewhere\n", "cgroup", "rw,cpu", "/docker/abc");
  EXPECT_EQ(quota(), 2) << "the group is outside of the mount, whose limit is above it or beside it";
  mount("1:cpu:/docker/abcdef\n", "cgroup", "rw,cpu", "/docker/abc");
  EXPECT_EQ(quota(), 2) << "a group whose name only begins like the mount's root is outside, too";
}

TEST_F(CpuQuota, IsNotThatOfAnotherController) {
  mount("1:cpuset:/\n", "cgroup", "rw,cpuset");
  proc_.write("group/cpu.cfs_quota_us", "200000\n");
  proc_.write("group/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), std::nullopt);
}

TEST(DefaultConcurrency, IsThatOfTheProcessThoughThisThreadIsPinned) {
  cpu_set_t before, one;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  const auto cpus = workit::detail::process_cpus();
  EXPECT_EQ(cpus, static_cast<std::size_t>(CPU_COUNT(&before)));
  EXPECT_LE(default_concurrency(), cpus);
  EXPECT_GE(default_concurrency(), 1U);
  const auto unpinned = default_concurrency();
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu)
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(default_concurrency(), unpinned);
  EXPECT_EQ(::sched_setaffinity(0, sizeof before, &before), 0);
}

}  // namespace
}  // namespace workit::test
