// Tasks that keep a worker busy.
#pragma once

#include <unistd.h>

#include <string>

namespace workit::test {

/// Runs until the file is there.
inline void run_until(std::string file) {
  while (access(file.c_str(), F_OK) != 0) usleep(200);
}

inline void endless() {
  for (;;) pause();
}

}  // namespace workit::test
