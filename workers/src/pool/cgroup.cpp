// pool_cgroup: files of cgroups(7), written once.
#include <workit/workers/cgroup.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <thread>
#include <workit/base/errors.hpp>
#include <workit/base/unique_fd.hpp>

namespace workit::workers {
namespace {

constexpr int most_looks = 1000;  // a millisecond apart
constexpr double least_cpus = 0.01;
constexpr double most_cpus = 1024;
constexpr int period_us = 100'000;

/// 0, or errno.
int write_file(const std::string& path, const std::string& text) noexcept {
  const unique_fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return errno;
  return ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : errno;
}

bool lists(const std::string& path, const std::string& word) {
  std::ifstream file(path);
  for (std::string listed; file >> listed;)
    if (listed == word) return true;
  return false;
}

std::string file_name_of(std::string pool) {
  std::replace(pool.begin(), pool.end(), '/', '_');
  return "workit-" + pool + "-" + std::to_string(::getpid());
}

[[noreturn]] void fail(const std::string& path, int error, const std::string& advice = {}) {
  throw start_failed("a pool's cgroup cannot be had: " + path + ": " + std::strerror(error) + advice);
}

void enable(const std::string& directory, const std::string& controller) {
  if (!lists(directory + "/cgroup.controllers", controller))
    throw start_failed("a pool's cgroup cannot be had: " + directory + "/cgroup.controllers does not list \"" +
                       controller + "\": is this a delegated directory of cgroup v2, with that controller?");
  const auto file = directory + "/cgroup.subtree_control";
  if (lists(file, controller)) return;
  if (const int error = write_file(file, "+" + controller); error != 0)
    fail(file, error, error == EBUSY ? "; there are processes in this directory: move them to a child" : "");
}

}  // namespace

std::optional<std::string> complaint_about(const cgroup_options& options) {
  if (options.directory.empty() && (options.memory || options.cpus))
    return "cgroup.memory and cgroup.cpus need cgroup.directory, a delegated directory of cgroup v2";
  if (options.cpus && !(*options.cpus >= least_cpus && *options.cpus <= most_cpus))
    return "cgroup.cpus may be 0.01 to 1024";
  return std::nullopt;
}

pool_cgroup::pool_cgroup(const cgroup_options& options, const std::string& pool,
                         std::optional<std::uint64_t> most_processes)
    : path_(options.directory + "/" + file_name_of(pool)) {
  if (options.memory) enable(options.directory, "memory");
  if (options.cpus) enable(options.directory, "cpu");
  if (most_processes) enable(options.directory, "pids");
  if (::mkdir(path_.c_str(), 0755) != 0 && errno != EEXIST) fail(path_, errno);
  if (options.memory) write("memory.max", std::to_string(*options.memory));
  if (options.cpus)
    write("cpu.max", std::to_string(static_cast<long>(*options.cpus * period_us)) + " " + std::to_string(period_us));
  if (most_processes) write("pids.max", std::to_string(*most_processes));
}

pool_cgroup::~pool_cgroup() {
  write_file(path_ + "/cgroup.kill", "1");  // Linux 5.14; without it those that are left keep the directory
  for (int look = 0; look < most_looks && ::rmdir(path_.c_str()) != 0 && errno == EBUSY; ++look)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void pool_cgroup::add(pid_t process) const { write("cgroup.procs", std::to_string(process)); }

void pool_cgroup::write(const char* file, const std::string& text) const {
  const auto path = path_ + "/" + file;
  if (const int error = write_file(path, text); error != 0) fail(path, error);
}

}  // namespace workit::workers
