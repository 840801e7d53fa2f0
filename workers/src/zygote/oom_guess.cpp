// oom_guess: finds the counters by proc(5) and cgroups(7), and compares.
#include <workit/workers/detail/oom_guess.hpp>

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

namespace workit::workers {
namespace {

constexpr std::uint64_t worth_killing = std::uint64_t{1} << 20;

/// The value of "key value" in a file of such lines.
std::optional<std::uint64_t> value_in(const std::string& path, std::string_view key) {
  if (path.empty()) return std::nullopt;
  std::ifstream file(path);
  std::string name;
  std::uint64_t value = 0;
  while (file >> name >> value)
    if (name == key) return value;
  return std::nullopt;
}

struct memory_group {
  bool unified = false;  // cgroup v2
  std::string path;
};

/// Lines "4:memory:/path" (v1) and "0::/path" (v2).
std::vector<memory_group> groups_of(const std::string& proc) {
  std::vector<memory_group> found;
  std::ifstream file(proc + "/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool unified = controllers == ",,";
    if (unified || controllers.find(",memory,") != std::string::npos)
      found.push_back({unified, line.substr(second + 1)});
  }
  return found;
}

/// Where the directory of that group is mounted; empty when it is not. Lines of mountinfo, see proc(5):
/// "36 35 98:0 /root /point options optional... - type source superoptions".
std::string directory_of(const memory_group& group, const std::string& proc) {
  std::ifstream file(proc + "/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string skipped, root, point, type, super;
    words >> skipped >> skipped >> skipped >> root >> point;
    while (words >> skipped && skipped != "-") {
    }
    words >> type >> skipped >> super;
    if (group.unified ? type != "cgroup2"
                      : type != "cgroup" || ("," + super + ",").find(",memory,") == std::string::npos)
      continue;
    if (root == "/") return point + group.path;
    if (group.path.compare(0, root.size(), root) == 0) return point + group.path.substr(root.size());
  }
  return {};
}

}  // namespace

oom_sources oom_sources::find(const std::string& proc) {
  oom_sources found{.group = {}, .machine = proc + "/vmstat"};
  for (const auto& group : groups_of(proc)) {
    const auto directory = directory_of(group, proc);
    if (directory.empty()) continue;
    const auto file = directory + (group.unified ? "/memory.events" : "/memory.oom_control");
    if (::access(file.c_str(), R_OK) == 0) found.group = file;
  }
  return found;
}

oom_counts read_oom_counts(const oom_sources& from) {
  oom_counts now{.group = value_in(from.group, "oom_kill")};
  if (!now.group) now.machine = value_in(from.machine, "oom_kill");
  return now;
}

out_of_memory guess_oom(const oom_counts& before, const oom_counts& after, std::uint64_t rss) noexcept {
  if (before.group && after.group) return *after.group > *before.group ? out_of_memory::likely : out_of_memory::no;
  if (!before.machine || !after.machine) return out_of_memory::unknown;
  if (*after.machine == *before.machine) return out_of_memory::no;
  return rss >= worth_killing ? out_of_memory::likely : out_of_memory::unknown;
}

}  // namespace workit::workers
