// Children of the demo: spawned, watched through /proc, never left behind.
#include "child_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

namespace demo {
namespace {

std::string slurp(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::size_t entries(const std::filesystem::path& folder) {
  std::error_code gone;
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder, gone), {}));
}

std::filesystem::path proc(pid_t pid, const char* what) {
  return std::filesystem::path("/proc") / std::to_string(pid) / what;
}

}  // namespace

scratch_folder::scratch_folder() {
  auto name = (std::filesystem::temp_directory_path() / "workit-demo-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder can be made in the temporary directory");
  path_ = name;
}

scratch_folder::~scratch_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

child_process::child_process(const std::filesystem::path& program, std::vector<std::string> arguments,
                             const scratch_folder& output)
    : name_(program.filename()), out_(output.path() / (name_ + ".out")), err_(output.path() / (name_ + ".err")) {
  arguments.insert(arguments.begin(), program.string());
  std::vector<char*> argv;
  for (auto& a : arguments) argv.push_back(a.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, out_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_addopen(&files, 2, err_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int failed = posix_spawn(&pid_, program.c_str(), &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (failed != 0) throw std::runtime_error(program.string() + " cannot be started: " + std::strerror(failed));
}

child_process::~child_process() {
  if (ended()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool child_process::ended() {
  if (pid_ < 0) return true;
  if (waitpid(pid_, &status_, WNOHANG) != pid_) return false;
  pid_ = -1;
  return true;
}

std::string child_process::out() const { return slurp(out_); }
std::string child_process::err() const { return slurp(err_); }

std::uint16_t child_process::port() {
  static constexpr std::string_view before = "http://127.0.0.1:";
  for (;;) {
    const auto said = err();
    if (const auto at = said.find(before); at != std::string::npos && said.find('\n', at) != std::string::npos)
      return static_cast<std::uint16_t>(std::stoi(said.substr(at + before.size())));
    if (ended()) throw std::runtime_error(name_ + " ended before it was ready:\n" + said);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

int child_process::terminate() {
  if (!ended()) kill(pid_, SIGTERM);
  return wait();
}

int child_process::wait() {
  if (pid_ > 0) waitpid(std::exchange(pid_, -1), &status_, 0);
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : -WTERMSIG(status_);
}

std::size_t child_process::descriptors() const { return entries(proc(pid_, "fd")); }
std::size_t child_process::threads() const { return entries(proc(pid_, "task")); }

std::size_t child_process::resident_kib() const {
  std::ifstream in(proc(pid_, "status"));
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
  return 0;
}

void child_process::await_quiet() const {
  auto seen = descriptors();
  for (int same = 0; same < 10; ++same) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (const auto now = descriptors(); now != seen) {
      seen = now;
      same = 0;
    }
  }
}

std::size_t zombies_of(const std::vector<pid_t>& parents) {
  std::size_t found = 0;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", gone)) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;  // not a process
    const auto stat = slurp(entry.path() / "stat");
    const auto after_name = stat.rfind(") ");
    if (after_name == std::string::npos) continue;
    std::istringstream fields(stat.substr(after_name + 2));
    char state = 0;
    pid_t parent = 0;
    fields >> state >> parent;
    found += state == 'Z' && std::find(parents.begin(), parents.end(), parent) != parents.end();
  }
  return found;
}

}  // namespace demo
