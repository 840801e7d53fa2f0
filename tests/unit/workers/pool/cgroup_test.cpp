// A pool's cgroup: what is written where, on a tree of plain files; and the refusals.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <support/temporary_directory.hpp>
#include <workit/base/errors.hpp>
#include <workit/workers/cgroup.hpp>

#include "pool_host.hpp"

namespace workit::test {
namespace {

using namespace workers;

class Cgroup : public testing::Test {
 protected:
  /// Files that the kernel would make.
  void make(const std::string& name, const std::string& content = {}) const { folder_.write(name, content); }
  void make_group(const std::string& pool) const {
    const auto group = group_of(pool);
    mkdir(folder_.file(group).c_str(), 0755);
    for (const auto* file : {"memory.max", "cpu.max", "pids.max", "cgroup.procs", "cgroup.kill"})
      make(group + "/" + file);
  }
  static std::string group_of(const std::string& pool) { return "workit-" + pool + "-" + std::to_string(getpid()); }
  std::string content_of(const std::string& name) const {
    std::ifstream file(folder_.file(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  cgroup_options options() const { return {.directory = folder_.path()}; }
  /// Why a pool does not start; empty when it does.
  static std::string refusal_of(const process_options& pool) {
    try {
      pool_host host(pool);
    } catch (const start_failed& e) {
      return e.what();
    }
    return {};
  }
  const temporary_directory folder_;
};

TEST_F(Cgroup, IsWrittenBeforeTheZygoteHasForkedAndKilledWhenThePoolStops) {
  make("cgroup.controllers", "cpu io memory pids\n");
  make("cgroup.subtree_control", "");
  make_group("grouped");
  const auto group = group_of("grouped");
  auto with = options();
  with.memory = 512 << 20;
  with.cpus = 1.5;
  {
    pool_host host({.name = "grouped", .workers = 2, .spares = 1, .limits = {.processes = 3}, .cgroup = with});
    EXPECT_EQ(content_of(group + "/memory.max"), "536870912");
    EXPECT_EQ(content_of(group + "/cpu.max"), "150000 100000");
    EXPECT_EQ(content_of(group + "/pids.max"), std::to_string(2 * (2 + 2 * 3) + 2 * 16 + 3 * 2));
    EXPECT_EQ(content_of(group + "/cgroup.procs"), std::to_string(host.pool.status().zygote));
    EXPECT_EQ(host.pool.limits().processes, std::optional<std::uint64_t>(3)) << "the kernel would keep it";
    EXPECT_EQ(host.call([] { return 7; }), 7);
    EXPECT_EQ(content_of(group + "/cgroup.kill"), "");
  }
  EXPECT_EQ(content_of(group + "/cgroup.kill"), "1");
}

TEST_F(Cgroup, EnablesWhatItNeedsAndNoMore) {
  make("cgroup.controllers", "cpu io memory pids\n");
  make("cgroup.subtree_control", "");
  make_group("one");
  auto with = options();
  with.memory = 1 << 30;
  const pool_cgroup group(with, "one", std::nullopt);
  EXPECT_EQ(content_of("cgroup.subtree_control"), "+memory");
  EXPECT_EQ(content_of(group_of("one") + "/cpu.max"), "");
  EXPECT_EQ(content_of(group_of("one") + "/pids.max"), "");
}

TEST_F(Cgroup, ThatCannotBeHadIsASentence) {
  auto with = options();
  with.memory = 1 << 30;
  const auto no_controllers = refusal_of({.workers = 1, .cgroup = with});
  EXPECT_NE(no_controllers.find("cgroup.controllers does not list \"memory\""), std::string::npos) << no_controllers;
  make("cgroup.controllers", "memory\n");
  const auto no_control = refusal_of({.workers = 1, .cgroup = with});
  EXPECT_NE(no_control.find("cgroup.subtree_control: No such file"), std::string::npos) << no_control;
  make("cgroup.subtree_control", "memory\n");
  const auto no_file = refusal_of({.workers = 1, .cgroup = with});
  EXPECT_NE(no_file.find("memory.max: No such file"), std::string::npos) << no_file;
  const auto nowhere = refusal_of({.workers = 1, .cgroup = {.directory = "/nowhere"}});
  EXPECT_NE(nowhere.find("/nowhere/workit-default-"), std::string::npos) << nowhere;
}

TEST_F(Cgroup, OptionsThatMakeNoSenseAreRefused) {
  EXPECT_NE(refusal_of({.workers = 1, .cgroup = {.memory = 1 << 30}}).find("cgroup.directory"), std::string::npos);
  auto with = options();
  with.cpus = 0;
  EXPECT_NE(refusal_of({.workers = 1, .cgroup = with}).find("cgroup.cpus"), std::string::npos);
}

}  // namespace
}  // namespace workit::test
