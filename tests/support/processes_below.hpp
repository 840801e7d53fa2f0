// Which processes there are below this one, by /proc.
#pragma once

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace workit::test {

struct process_entry {
  pid_t pid = 0;
  pid_t parent = 0;
  char state = '?';
  std::string name;
};

inline std::vector<process_entry> all_processes() {
  std::vector<process_entry> all;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto name = entry.path().filename().string();
    process_entry p;
    if (std::from_chars(name.data(), name.data() + name.size(), p.pid).ec != std::errc{}) continue;
    std::ifstream file(entry.path() / "stat");
    std::string line;
    if (!std::getline(file, line)) continue;
    const auto open = line.find('('), close = line.rfind(')');
    p.name = line.substr(open + 1, close - open - 1);
    p.state = line[close + 2];
    p.parent = std::stoi(line.substr(close + 4));
    all.push_back(std::move(p));
  }
  return all;
}

/// How many processes a pool with so many workers has: its zygote, the host watcher, and an mm_holder beside each
/// worker.
constexpr std::size_t processes_of_pool(std::size_t workers) { return 2 + 2 * workers; }

/// Children, their children, and so on; zombies too.
inline std::vector<process_entry> processes_below(pid_t ancestor = getpid()) {
  const auto all = all_processes();
  std::vector<process_entry> below;
  std::vector<pid_t> parents{ancestor};
  while (!parents.empty()) {
    const pid_t parent = parents.back();
    parents.pop_back();
    for (const auto& p : all)
      if (p.parent == parent) {
        below.push_back(p);
        parents.push_back(p.pid);
      }
  }
  return below;
}

inline bool is_alive(pid_t pid) {
  const auto all = all_processes();
  return std::any_of(all.begin(), all.end(), [&](const auto& p) { return p.pid == pid && p.state != 'Z'; });
}

inline long threads_of_this_process() {
  using std::filesystem::directory_iterator;
  return std::distance(directory_iterator("/proc/self/task"), directory_iterator());
}

inline long mapped_blocks() {
  std::ifstream maps("/proc/self/maps");
  long n = 0;
  for (std::string line; std::getline(maps, line);) n += line.find("memfd:workit-worker") != std::string::npos;
  return n;
}

}  // namespace workit::test
