// Ways in which a victim passes a time: it computes, or it blocks in read(2).
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

namespace workit::test {

inline void spin_until(std::chrono::steady_clock::time_point end) {
  while (std::chrono::steady_clock::now() < end) {
  }
}

/// Blocks in read(2) until a child, which spins until `end`, writes.
inline void read_until(std::chrono::steady_clock::time_point end) {
  int ends[2];
  if (pipe(ends) != 0) abort();
  const auto writer = fork();
  if (writer == 0) {
    spin_until(end);
    _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
  }
  char c = 0;
  if (read(ends[0], &c, 1) != 1) abort();
  waitpid(writer, nullptr, 0);
}

}  // namespace workit::test
