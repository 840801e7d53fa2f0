// Reads /proc.
#include "ground.hpp"

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <support/allocation_balance.hpp>
#include <support/processes_below.hpp>
#include <thread>

namespace workit::chaos {
namespace {

std::vector<std::string> descriptors_by_name() {
  std::vector<std::string> all;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;  // the descriptor of this very iteration is one of them
    auto target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (!gone && target.rfind("/proc/", 0) != 0) all.push_back(std::move(target));
  }
  std::ranges::sort(all);
  return all;
}

/// The orphans of a host that was killed come to this process, which says so to the kernel at its start.
void reap_orphans() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
}

std::string listed(const std::vector<std::string>& all) {
  std::string text;
  for (const auto& each : all) text += (text.empty() ? "" : ", ") + each;
  return text;
}

std::vector<std::string> more(const std::vector<std::string>& now, const std::vector<std::string>& before) {
  std::vector<std::string> only;
  std::ranges::set_difference(now, before, std::back_inserter(only));
  return only;
}

bool is_same(const ground& a, const ground& b) {
  return a.descriptors == b.descriptors && a.threads == b.threads && a.processes == b.processes && a.blocks == b.blocks;
}

}  // namespace

ground ground::take() {
  ground now;
  reap_orphans();
  // The blocks first: what follows has some itself while it looks.
  now.blocks = test::live_allocations();
  now.descriptors = descriptors_by_name();
  now.threads = static_cast<std::size_t>(test::threads_of_this_process());
  for (const auto& p : test::processes_below()) now.processes.push_back(p.name + " (" + p.state + ")");
  std::ranges::sort(now.processes);
  const auto used = ::mallinfo2();
  now.used_kib = (used.uordblks + used.hblkhd) / 1024;
  return now;
}

void ground::be_first(std::size_t of_the_driver) {
  for (int tries = 0; tries < 5'000; ++tries) {
    *this = take();
    if (threads == of_the_driver && processes.empty()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  blocks = test::live_allocations();
}

ground ground::settle(const ground& before, std::chrono::milliseconds patience) {
  using namespace std::chrono_literals;
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    bool same = false;
    {
      const auto now = take();
      same = is_same(now, before);
    }
    if (same || std::chrono::steady_clock::now() > until) return take();
    std::this_thread::sleep_for(2ms);
  }
}

std::vector<std::string> ground::against(const ground& before) const {
  std::vector<std::string> all;
  if (descriptors != before.descriptors)
    all.push_back("descriptors: " + std::to_string(before.descriptors.size()) + " became " +
                  std::to_string(descriptors.size()) + "; new: " + listed(more(descriptors, before.descriptors)));
  if (threads != before.threads)
    all.push_back("threads: " + std::to_string(before.threads) + " became " + std::to_string(threads));
  if (processes != before.processes) all.push_back("processes: " + listed(processes));
  if (blocks != before.blocks)
    all.push_back("blocks of memory: " + std::to_string(before.blocks) + " became " + std::to_string(blocks));
  constexpr std::size_t breath_kib = 1024;
  if (used_kib > before.used_kib + breath_kib)
    all.push_back("KiB of memory: " + std::to_string(before.used_kib) + " became " + std::to_string(used_kib));
  return all;
}

}  // namespace workit::chaos
