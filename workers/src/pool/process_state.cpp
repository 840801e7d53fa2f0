// process_state: see the header.
#include "process_state.hpp"

#include <cstdio>
#include <cstring>

namespace workit::workers {

char process_state(pid_t pid) noexcept {
  char path[32], line[512];
  std::snprintf(path, sizeof path, "/proc/%d/stat", static_cast<int>(pid));
  std::FILE* file = std::fopen(path, "re");
  if (file == nullptr) return '?';
  const auto size = std::fread(line, 1, sizeof line - 1, file);
  std::fclose(file);
  line[size] = '\0';
  const char* after_name = std::strrchr(line, ')');  // the name before it may contain anything
  return after_name != nullptr && after_name[1] == ' ' ? after_name[2] : '?';
}

}  // namespace workit::workers
