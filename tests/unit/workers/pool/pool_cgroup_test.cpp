// pool_cgroup: the name of its folder and the files it writes, on a tree of plain files.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <support/temporary_directory.hpp>
#include <workit/base/errors.hpp>
#include <workit/workers/cgroup.hpp>

namespace workit::test {
namespace {

using workers::complaint_about;
using workers::pool_cgroup;

class PoolCgroup : public testing::Test {
 protected:
  PoolCgroup() {
    folder_.write("cgroup.controllers", "cpu memory pids\n");
    folder_.write("cgroup.subtree_control", "");
    std::filesystem::create_directory(folder_.file(name_));
    for (const auto* file : {"memory.max", "cpu.max", "pids.max", "cgroup.procs", "cgroup.kill"})
      folder_.write(name_ + "/" + file, "");
  }
  std::string content_of(const std::string& file) const {
    std::ifstream in(folder_.file(file));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  const temporary_directory folder_;
  const std::string name_ = "workit-a_b-" + std::to_string(::getpid());
};

TEST_F(PoolCgroup, IsNamedAfterThePoolWithoutItsSlashesAndAfterThisProcess) {
  const pool_cgroup group({.directory = folder_.path()}, "a/b", {});
  EXPECT_EQ(group.path(), folder_.file(name_));
}

TEST_F(PoolCgroup, WritesOnlyTheLimitsThatWereGiven) {
  const pool_cgroup group({.directory = folder_.path(), .memory = 4096}, "a/b", 12);
  EXPECT_EQ(content_of(name_ + "/memory.max"), "4096");
  EXPECT_EQ(content_of(name_ + "/pids.max"), "12");
  EXPECT_EQ(content_of(name_ + "/cpu.max"), "");
}

TEST_F(PoolCgroup, WritesProcessorsAsMicrosecondsInAHundredMilliseconds) {
  const pool_cgroup group({.directory = folder_.path(), .cpus = 2.5}, "a/b", {});
  EXPECT_EQ(content_of(name_ + "/cpu.max"), "250000 100000");
}

TEST_F(PoolCgroup, MovesAProcessInAndKillsWhatIsLeftAtItsEnd) {
  {
    const pool_cgroup group({.directory = folder_.path()}, "a/b", {});
    group.add(4711);
    EXPECT_EQ(content_of(name_ + "/cgroup.procs"), "4711");
    EXPECT_EQ(content_of(name_ + "/cgroup.kill"), "");
  }
  EXPECT_EQ(content_of(name_ + "/cgroup.kill"), "1");
}

TEST_F(PoolCgroup, NamesTheControllerThatIsMissing) {
  folder_.write("cgroup.controllers", "cpu\n");
  try {
    const pool_cgroup group({.directory = folder_.path(), .memory = 1}, "a/b", {});
    FAIL();
  } catch (const start_failed& e) {
    EXPECT_NE(std::string(e.what()).find("does not list \"memory\""), std::string::npos) << e.what();
  }
}

TEST(CgroupOptions, NeedADirectoryAndASensibleNumberOfProcessors) {
  EXPECT_EQ(complaint_about(cgroup_options{}), std::nullopt);
  EXPECT_TRUE(complaint_about(cgroup_options{.memory = 1}));
  EXPECT_TRUE(complaint_about(cgroup_options{.directory = "/", .cpus = 0.0}));
  EXPECT_TRUE(complaint_about(cgroup_options{.directory = "/", .cpus = 1025.0}));
  EXPECT_EQ(complaint_about(cgroup_options{.directory = "/", .cpus = 0.01}), std::nullopt);
}

}  // namespace
}  // namespace workit::test
