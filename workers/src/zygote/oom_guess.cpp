// oom_guess: finds the counters of cgroups(7) and of the machine, and compares.
#include <workit/workers/detail/oom_guess.hpp>

#include <unistd.h>

#include <fstream>
#include <string_view>
#include <workit/base/detail/own_cgroups.hpp>

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

}  // namespace

oom_sources oom_sources::find(const std::string& proc) {
  oom_sources found{.group = {}, .machine = proc + "/vmstat"};
  for (const auto& group : workit::detail::own_cgroups("memory", proc)) {
    const auto directory = group.directory();
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
