// child_list: proc(5).
#include "child_list.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <string>
#include <workit/base/unique_fd.hpp>

namespace workit::workers {

bool proc_is_ours() noexcept {
  char self[16] = {};
  pid_t pid = 0;
  const auto size = ::readlink("/proc/self", self, sizeof self);
  return size > 0 && std::from_chars(self, self + size, pid).ec == std::errc{} && pid == ::getpid();
}

std::vector<pid_t> list_children() {
  if (!proc_is_ours()) return {};
  std::string list;
  const unique_fd file(::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC));
  char part[4096];
  for (ssize_t n = 0; file && (n = ::read(file.get(), part, sizeof part)) > 0;)
    list.append(part, static_cast<std::size_t>(n));
  return parse_pids(list);
}

std::vector<pid_t> parse_pids(std::string_view list) {
  std::vector<pid_t> pids;
  const char* at = list.data();
  const char* const end = at + list.size();
  while (at < end) {
    pid_t pid = 0;
    const auto parsed = std::from_chars(at, end, pid);
    if (parsed.ec != std::errc{}) break;
    pids.push_back(pid);
    at = parsed.ptr + 1;
  }
  return pids;
}

}  // namespace workit::workers
