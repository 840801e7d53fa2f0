// A SIGKILL from outside is distinguished from each of the pool's own.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <fstream>
#include <support/temporary_directory.hpp>
#include <workit/workers/detail/control_block.hpp>
#include <workit/workers/detail/oom_guess.hpp>

#include "pool_host.hpp"

namespace workit::test {
namespace {

using namespace workers;

/// Writes its pid, then waits to be killed; comes to its natural end if it is not.
int be_killed(std::string file, int ms) {
  std::ofstream(file + ".new") << getpid();
  if (std::rename((file + ".new").c_str(), file.c_str()) != 0) std::abort();
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  while (std::chrono::steady_clock::now() < end) {
  }
  return ms;
}

pid_t pid_in(const std::string& file) {
  wait_until([&] { return access(file.c_str(), F_OK) == 0; });
  pid_t pid = 0;
  std::ifstream(file) >> pid;
  return pid;
}

class KilledExternally : public testing::Test {
 protected:
  std::string file() const { return folder_.file("pid"); }
  const temporary_directory folder_;
};

TEST_F(KilledExternally, IsAnOutcomeOfItsOwnAndThePoolSurvives) {
  pool_host host({.workers = 1});
  const auto task = host.submit(be_killed, file(), 600'000);
  const auto pid = pid_in(file());
  kill(pid, SIGKILL);
  const auto crash = std::get<job_crashed>(task->wait());
  EXPECT_EQ(crash.signal, SIGKILL);
  // The counters of this machine stand still, unless it has none.
  const auto counts = read_oom_counts(oom_sources::find());
  const bool can_tell = counts.group || counts.machine;
  EXPECT_EQ(crash.killed_externally, can_tell ? out_of_memory::no : out_of_memory::unknown);
  EXPECT_NE(host.call([] { return getpid(); }), pid);
  EXPECT_EQ(host.call(be_killed, folder_.file("alone"), 10), 10) << "the control arm: it is not killed";
}

TEST_F(KilledExternally, IsNotAnotherSignalFromOutside) {
  pool_host host({.workers = 1});
  const auto task = host.submit(be_killed, file(), 600'000);
  kill(pid_in(file()), SIGTERM);
  const auto crash = std::get<job_crashed>(task->wait());
  EXPECT_EQ(crash.signal, SIGTERM);
  EXPECT_FALSE(crash.killed_externally.has_value());
}

TEST_F(KilledExternally, IsNotAStop) {
  pool_host host({.workers = 1});
  const auto task = host.submit(be_killed, file(), 600'000);
  pid_in(file());
  EXPECT_TRUE(task->cell->request(reason::user{}));
  EXPECT_TRUE(std::holds_alternative<job_stopped>(task->wait()));
}

TEST_F(KilledExternally, IsNotTheKernelsTimerAtTheDeadline) {
  pool_host host({.workers = 1});
  const auto until = deadline_point(std::chrono::steady_clock::now() + 300ms);
  const auto task = std::make_shared<awaited_job>(
      host.make_cell(), "test", make_remote_call(be_killed, file(), 600'000), job_terms{.until = until});
  host.pool.submit(task);  // the cell is not armed: only the worker's own timer knows of it
  EXPECT_TRUE(std::holds_alternative<job_stopped>(task->wait()));
}

TEST_F(KilledExternally, IsNotALimitOfProcessorTime) {
  pool_host host({.workers = 1, .limits = {.cpu = 50ms}});
  const auto task = host.submit(be_killed, file(), 600'000);
  EXPECT_TRUE(std::holds_alternative<job_exceeded>(task->wait()));
}

TEST_F(KilledExternally, IsNotTheHelpingHandAfterACrash) {
  pool_host host({.workers = 1});
  for (int run = 0; run < 10; ++run) {
    const auto crash = std::get<job_crashed>(host.submit([] { raise(SIGSEGV); })->wait());
    EXPECT_EQ(crash.signal, SIGSEGV);
    EXPECT_FALSE(crash.killed_externally.has_value());
  }
}

TEST_F(KilledExternally, IsNotTheEndOfAWorkerWhoseZygoteIsGone) {
  pool_host host({.workers = 1});
  const auto task = host.submit(be_killed, file(), 600'000);
  pid_in(file());
  kill(host.pool.status().zygote, SIGKILL);
  EXPECT_TRUE(std::holds_alternative<job_lost>(task->wait()));
}

TEST_F(KilledExternally, IsNotOurAnswerToAResultThatIsNone) {
  pool_host host({.workers = 1});
  const auto task = host.submit([] {
    void* page = mmap(nullptr, payload_offset, PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0);
    auto& block = *static_cast<control_block*>(page);
    block.result.kind = 99;
    block.word = control_word(control_word(block.word.load()).generation(), phase::committed).bits();
    const std::uint64_t one = 1;
    if (write(4, &one, sizeof one) != sizeof one) _exit(1);
    for (;;) pause();
  });
  const auto crash = std::get<job_crashed>(task->wait());
  EXPECT_EQ(crash.signal, SIGKILL);
  EXPECT_FALSE(crash.killed_externally.has_value());
}

TEST(OomGuess, FollowsTheCounterOfTheGroupWhereThereIsOne) {
  EXPECT_EQ(guess_oom({.group = 3}, {.group = 4}, 0), out_of_memory::likely);
  EXPECT_EQ(guess_oom({.group = 3}, {.group = 3}, 1 << 30), out_of_memory::no);
}

TEST(OomGuess, TakesTheMachinesCounterForAHintOnly) {
  EXPECT_EQ(guess_oom({.machine = 3}, {.machine = 3}, 1 << 30), out_of_memory::no);
  EXPECT_EQ(guess_oom({.machine = 3}, {.machine = 4}, 1 << 30), out_of_memory::likely);
  EXPECT_EQ(guess_oom({.machine = 3}, {.machine = 4}, 1 << 10), out_of_memory::unknown);
  EXPECT_EQ(guess_oom({}, {}, 1 << 30), out_of_memory::unknown);
}

/// A /proc and a cgroup file system of the test's own.
class OomSources : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(folder_.file(name)).parent_path());
    std::ofstream(folder_.file(name)) << text;
  }
  oom_counts counts() const { return read_oom_counts(oom_sources::find(folder_.file("proc"))); }
  void mount(const std::string& root, const std::string& type, const std::string& super) const {
    write("proc/self/mountinfo", "36 35 98:0 " + root + " " + folder_.file("mounted") +
                                     " rw,nosuid shared:9 master:1 - " + type + " none rw," + super + "\n");
  }
  const temporary_directory folder_;
};

TEST_F(OomSources, AreMemoryEventsInAGroupOfVersionTwo) {
  write("proc/self/cgroup", "0::/service/pool\n");
  mount("/", "cgroup2", "nsdelegate");
  write("mounted/service/pool/memory.events", "low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n");
  EXPECT_EQ(counts().group, std::optional<std::uint64_t>(2));
  EXPECT_FALSE(counts().machine.has_value());
}

TEST_F(OomSources, AreFoundInAContainerThatSeesPartOfTheTree) {
  write("proc/self/cgroup", "0::/docker/1234/inner\n");
  mount("/docker/1234", "cgroup2", "nsdelegate");
  write("mounted/inner/memory.events", "oom_kill 5\n");
  EXPECT_EQ(counts().group, std::optional<std::uint64_t>(5));
}

TEST_F(OomSources, AreMemoryOomControlInAGroupOfVersionOne) {
  write("proc/self/cgroup", "9:name=systemd:/\n4:memory:/service\n0::/\n");
  mount("/", "cgroup", "memory");
  write("mounted/service/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n");
  EXPECT_EQ(counts().group, std::optional<std::uint64_t>(4));
}

TEST_F(OomSources, FallBackOnTheMachinesCounter) {
  write("proc/self/cgroup", "0::/\n");
  write("proc/vmstat", "nr_free_pages 5\noom_kill 6\n");
  EXPECT_FALSE(counts().group.has_value());
  EXPECT_EQ(counts().machine, std::optional<std::uint64_t>(6));
}

}  // namespace
}  // namespace workit::test
