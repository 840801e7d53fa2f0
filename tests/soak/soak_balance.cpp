// Reads the counts of processes, descriptors and memory from /proc.
#include "soak_balance.hpp"

#include <support/processes_below.hpp>

namespace workit::soak {
namespace {

std::size_t entries_of(const std::string& folder) {
  std::error_code gone;
  const std::filesystem::directory_iterator entries(folder, gone);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

std::size_t lines_of(const std::string& file, const char* with = "") {
  std::ifstream lines(file);
  std::size_t n = 0;
  for (std::string line; std::getline(lines, line);) n += line.find(with) != std::string::npos;
  return n;
}

std::size_t rss_of(const std::string& process) {
  std::ifstream file(process + "/statm");
  std::size_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) / 1024;
}

}  // namespace

balance balance::take(pid_t zygote) {
  const std::string host = "/proc/self", other = "/proc/" + std::to_string(zygote);
  balance now;
  now.descriptors = entries_of(host + "/fd");
  now.threads = entries_of(host + "/task");
  now.mappings = lines_of(host + "/maps");
  now.blocks = lines_of(host + "/maps", "memfd:workit-worker");
  now.zygote_descriptors = entries_of(other + "/fd");
  now.zygote_mappings = lines_of(other + "/maps");
  for (const auto& p : test::processes_below()) {
    ++now.processes;
    now.zombies += p.state == 'Z';
  }
  now.rss_kib = rss_of(host);
  now.zygote_rss_kib = rss_of(other);
  return now;
}

std::string balance::more_than(const balance& before, std::size_t breath_kib) const {
  std::string more;
  const auto compare = [&](const char* what, std::size_t then, std::size_t now, std::size_t breath = 0) {
    if (now > then + breath)
      more += std::string(what) + " " + std::to_string(then) + " -> " + std::to_string(now) + "; ";
  };
  compare("descriptors", before.descriptors, descriptors);
  compare("threads", before.threads, threads);
  compare("mappings", before.mappings, mappings, 8);  // an allocator splits its arenas
  compare("mapped blocks of workers", before.blocks, blocks);
  compare("the zygote's descriptors", before.zygote_descriptors, zygote_descriptors);
  compare("the zygote's mappings", before.zygote_mappings, zygote_mappings, 2);
  compare("processes", before.processes, processes);
  compare("zombies", 0, zombies);
  compare("KiB of memory", before.rss_kib, rss_kib, breath_kib);
  compare("KiB of the zygote's memory", before.zygote_rss_kib, zygote_rss_kib, breath_kib);
  return more;
}

}  // namespace workit::soak
