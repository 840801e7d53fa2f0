// Helper programs of the tests, and their output.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace workit::test {

/// A helper program, whose standard output the test reads. The destructor kills and reaps it.
class helper_program {
 public:
  explicit helper_program(std::vector<std::string> arguments) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
    output_ = ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    std::vector<char*> words;
    for (auto& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    if (posix_spawn(&pid_, words[0], &actions, nullptr, words.data(), environ) != 0) pid_ = 0;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
  }
  ~helper_program() {
    close(output_);
    if (pid_ > 0) kill(pid_, SIGKILL);  // 0 would be this process's own group
    wait();
  }
  helper_program(const helper_program&) = delete;
  helper_program& operator=(const helper_program&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// One line, without its end. Blocks: until it is written, or the program has ended.
  [[nodiscard]] std::string line() const { return read_to('\n'); }
  /// All that is left. Blocks: until the program has ended.
  [[nodiscard]] std::string rest() const { return read_to(-1); }
  /// Blocks: until the program has ended. Its exit status, once.
  int wait() {
    int status = 0;
    if (pid_ > 0) waitpid(pid_, &status, 0);
    pid_ = 0;
    return status;
  }

 private:
  [[nodiscard]] std::string read_to(int last) const {
    std::string text;
    for (char c = 0; read(output_, &c, 1) == 1 && c != last;) text += c;
    return text;
  }

  pid_t pid_ = 0;
  int output_ = -1;
};

/// Runs a helper program and returns what it writes, with its exit status. Blocks: until it has ended.
inline std::pair<std::string, int> run_program(const char* path) {
  helper_program program({path});
  auto text = program.rest();
  return {std::move(text), program.wait()};
}

}  // namespace workit::test
