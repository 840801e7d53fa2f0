// mm_holder: without it, a worker's exit takes as long as freeing its memory.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <support/processes_below.hpp>
#include <support/temporary_directory.hpp>

#include "../pool/pool_host.hpp"
#include "../pool/run_program.hpp"

namespace workit::test {
namespace {

using namespace workers;

constexpr std::size_t held_bytes = std::size_t{128} << 20;

void hold_and_spin(std::string begun) {
  std::memset(std::malloc(held_bytes), 1, held_bytes);
  std::ofstream(begun).put('x');
  for (;;) asm volatile("");
}

std::vector<process_entry> holders() {
  auto all = processes_below();
  std::erase_if(all, [](const auto& p) { return p.name != "workit-memory"; });
  return all;
}

/// Resident memory of that process, bytes (statm in proc(5)).
std::size_t resident_bytes(pid_t pid) {
  std::size_t pages = 0;
  std::ifstream("/proc/" + std::to_string(pid) + "/statm") >> pages >> pages;
  return pages * static_cast<std::size_t>(getpagesize());
}

std::size_t largest_keeper() {
  std::size_t most = 0;
  for (const auto& k : holders()) most = std::max(most, resident_bytes(k.pid));
  return most;
}

char state_of(pid_t pid) {
  for (const auto& p : processes_below())
    if (p.pid == pid) return p.state;
  return '-';
}

std::string status_line(pid_t pid, const std::string& key) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(key)) return line.substr(line.find_first_not_of(" \t", key.size()));
  return {};
}

TEST(MmHolder, LetsAWorkerDieBeforeItsMemoryGoes) {
  pool_host host({.workers = 1});
  const temporary_directory folder;
  const auto begun = folder.file("begun");
  const auto task = host.submit(hold_and_spin, begun);
  wait_until([&] { return access(begun.c_str(), F_OK) == 0; });
  const pid_t zygote = host.pool.status().zygote;
  ASSERT_EQ(kill(zygote, SIGSTOP), 0);  // so that it neither reaps nor frees memory
  task->cell->request(reason::user{});
  const auto receipt = std::get<job_stopped>(task->wait()).receipt;
  wait_until([&] { return state_of(receipt->get().worker) == 'Z'; });
  EXPECT_GE(largest_keeper(), held_bytes) << "the worker is dead; its memory is not to be gone with it";
  EXPECT_FALSE(receipt->get().reclaimed.has_value());
  kill(zygote, SIGCONT);
  wait_until([&] { return receipt->get().reclaimed.has_value(); });
  EXPECT_LT(largest_keeper(), held_bytes) << "the receipt says that it is back";
}

TEST(MmHolder, GivesTheMemoryOfSeveralDeadBackOneAfterTheOther) {
  const auto [said, status] = run_program(WORKIT_CHILD_REAPER_PROGRAM);
  EXPECT_EQ(status, 0);
  std::istringstream lines(said);
  std::vector<std::string> exits, returns;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("exited")) {
      exits.push_back(line);
      EXPECT_TRUE(returns.empty()) << "all deaths are told before any memory is waited for: " << said;
    } else {
      returns.push_back(line.substr(line.find(',')));
    }
  }
  std::sort(exits.begin(), exits.end());
  EXPECT_EQ(exits, (std::vector<std::string>{"exited 0 by 9", "exited 1 by 9", "exited 2 by 9"}));
  EXPECT_EQ(returns, (std::vector<std::string>{", asleep 2", ", asleep 1", ", asleep 0"})) << said;
}

TEST(MmHolder, HasNoDescriptorsAndMayOnlySleep) {
  pool_host host({.workers = 1});
  wait_until([&] { return holders().size() == 2; });
  for (const auto& k : holders()) {
    wait_until([&] { return status_line(k.pid, "Seccomp:") == "2"; });  // the filter is its last step
    EXPECT_EQ(status_line(k.pid, "NoNewPrivs:"), "1");
    EXPECT_TRUE(std::filesystem::is_empty("/proc/" + std::to_string(k.pid) + "/fd"));
    EXPECT_EQ(k.parent, host.pool.status().zygote);
  }
}

TEST(MmHolder, ThatWasKilledIsNotMissed) {
  pool_host host({.workers = 1});
  wait_until([&] { return holders().size() == 2; });
  for (const auto& k : holders()) kill(k.pid, SIGKILL);
  wait_until([&] { return holders().empty(); });
  const temporary_directory folder;
  const auto begun = folder.file("begun");
  const auto task = host.submit(hold_and_spin, begun);
  wait_until([&] { return access(begun.c_str(), F_OK) == 0; });
  task->cell->request(reason::user{});
  const auto receipt = std::get<job_stopped>(task->wait()).receipt;
  wait_until([&] { return receipt->get().reclaimed.has_value(); });
  EXPECT_EQ(host.call([] { return 5; }), 5);
  host.wait_until_whole();
  wait_until([&] { return holders().size() == 1; });  // that of the worker which has replaced the stopped one
}

// The memory is not freed while the zygote hangs, and the receipt does not say that it is. The zygote is
// killed when the last of its running tasks has ended, and then all memory comes back.
TEST(MmHolder, OfAZygoteThatHangsIsNotSaidToBeGone) {
  pool_host host({.workers = 2, .zygote_timeout = 200ms});
  const temporary_directory folder;
  const auto one = folder.file("one"), other = folder.file("other");
  const auto first = host.submit(hold_and_spin, one), second = host.submit(hold_and_spin, other);
  wait_until([&] { return access(one.c_str(), F_OK) == 0 && access(other.c_str(), F_OK) == 0; });
  const pid_t hanging = host.pool.status().zygote;
  kill(hanging, SIGSTOP);
  wait_until([&] { return host.pool.status().zygote != hanging; });
  first->cell->request(reason::user{});
  const auto receipt = std::get<job_stopped>(first->wait()).receipt;
  wait_until([&] { return state_of(receipt->get().worker) == 'Z'; });
  std::this_thread::sleep_for(200ms);  // enough for the warden to be told of its death
  EXPECT_GE(largest_keeper(), held_bytes);
  EXPECT_FALSE(receipt->get().reclaimed.has_value());
  second->cell->request(reason::user{});
  const auto last = std::get<job_stopped>(second->wait()).receipt;
  wait_until([&] { return receipt->get().reclaimed.has_value() && last->get().reclaimed.has_value(); });
  wait_until([&] { return largest_keeper() < held_bytes; });
  EXPECT_EQ(host.call([] { return 5; }), 5);
}

TEST(MmHolder, DiesWithTheZygote) {
  pool_host host({.workers = 1});
  wait_until([&] { return holders().size() == 2; });
  const auto before = holders();
  kill(host.pool.status().zygote, SIGKILL);
  // Dead, if not buried: they become process 1's, and that of a container may bury no orphan.
  const auto is_gone = [&](const auto& k) { return !is_alive(k.pid); };
  wait_until([&] { return std::all_of(before.begin(), before.end(), is_gone); });
  EXPECT_EQ(host.call([] { return 5; }), 5);
}

}  // namespace
}  // namespace workit::test
