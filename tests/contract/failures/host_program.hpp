// A host in a process of its own, for what a test cannot do to itself: be killed, lose its rights, be process 1.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

namespace workit::test {

/// Runs a program; what it writes to standard output is kept. It is killed when this object ends.
class host_program {
 public:
  explicit host_program(std::vector<std::string> command) { start(std::move(command)); }
  ~host_program() {
    if (pid_ > 0) kill(pid_, SIGKILL);
    wait();
    close(output_);
  }
  host_program(const host_program&) = delete;
  host_program& operator=(const host_program&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Where what it writes can be read.
  [[nodiscard]] int output() const { return output_; }
  /// What it has written, once it has ended or closed its output. Blocks: until then.
  std::string said() {
    std::string all;
    char part[512];
    for (ssize_t n = 0; (n = read(output_, part, sizeof part)) > 0;) all.append(part, static_cast<std::size_t>(n));
    return all;
  }
  /// Its exit code, or minus the signal that ended it. Blocks: until it has ended.
  int wait() {
    if (pid_ > 0) {
      int status = 0;
      while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
      }
      code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
      pid_ = -1;
    }
    return code_;
  }

 private:
  void start(std::vector<std::string> words) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) abort();
    output_ = ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    std::vector<char*> arguments;
    for (auto& w : words) arguments.push_back(w.data());
    arguments.push_back(nullptr);
    if (posix_spawnp(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ) != 0) pid_ = -1;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
  }

  pid_t pid_ = -1;
  int output_ = -1;
  int code_ = 127;
};

}  // namespace workit::test
