// Helper programs of the tests, and what they say.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace workit::test {

/// Runs a helper program and returns what it writes, with its exit status. Blocks: until it has ended.
inline std::pair<std::string, int> run_program(const char* path) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  std::string name = path;
  char* const arguments[] = {name.data(), nullptr};
  pid_t pid = 0;
  posix_spawn(&pid, path, &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string said;
  char part[256];
  for (ssize_t n = 0; (n = read(ends[0], part, sizeof part)) > 0;) said.append(part, static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  return {said, status};
}

}  // namespace workit::test
