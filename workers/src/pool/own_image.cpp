// own_image: see the header.
#include "own_image.hpp"

#include <link.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <workit/base/clone_refused.hpp>

namespace workit::workers {
namespace {

constexpr const char* own_program = "/proc/self/exe";

/// The kernel tells where it has mapped a program's loader; a loader that is the program itself has none.
bool was_started_through_the_loader() noexcept { return ::getauxval(AT_BASE) == 0 && _r_debug.r_ldbase != 0; }

/// A library that is loaded here and would not be found again: its path is relative, and leads nowhere from here.
std::string library_out_of_reach() {
  std::string found;
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* to) {
        const std::string name = info->dlpi_name != nullptr ? info->dlpi_name : "";
        const bool is_relative = name.find('/') != std::string::npos && name.front() != '/';
        if (!is_relative || ::access(name.c_str(), F_OK) == 0) return 0;
        *static_cast<std::string*>(to) = name;
        return 1;
      },
      &found);
  return found;
}

std::string working_directory() {
  std::error_code failed;
  const auto here = std::filesystem::current_path(failed);
  return failed ? "a working directory that is gone" : "the working directory \"" + here.string() + '"';
}

}  // namespace

std::string why_not_runnable() {
  char program[4096];
  const auto size = ::readlink(own_program, program, sizeof program);
  if (const int failed = errno; size < 0)
    return "it is this program's image, run again by " + std::string(own_program) + ", and readlink of that fails (" +
           std::strerror(failed) + "): " + (failed == ENOENT ? "mount proc on /proc" : "allow it this program");
  if (was_started_through_the_loader())
    return "it is this program's image, run again by " + std::string(own_program) +
           ", and that is the dynamic loader " + std::string(program, static_cast<std::size_t>(size)) +
           ", through which the program was started: start the program itself, and name another loader in it "
           "(patchelf --set-interpreter)";
  return {};
}

std::string why_not_spawned(int error) {
  std::string said = std::string("posix_spawn: ") + std::strerror(error);
  if (const auto why = why_clone_refused(error); !why.empty()) return said + ": " + std::string(why);
  switch (error) {
    case EACCES:
      return said + ": this program's file may not be executed any more: look at its mode, and for a noexec mount";
    case ENOENT:
      return said + ": this program's file, or its dynamic loader, is not there any more";
    case EAGAIN:
      return said + ": there are as many processes as this user (ulimit -u) or its cgroup (pids.max) may have";
    default:
      return said + ": the new process makes dup2, setsid and execve";
  }
}

std::string why_not_begun(const std::string& how) {
  const auto said = how + " before it reached workit::init: ";
  if (const auto library = library_out_of_reach(); !library.empty())
    return said + "the library \"" + library + "\" was found by a relative path, which does not lead to it from " +
           working_directory() + ": make LD_LIBRARY_PATH absolute, or start the pool before chdir";
  constexpr std::string_view of_the_loader = "code 127";
  if (how.ends_with(of_the_loader)) {
    const char* path = std::getenv("LD_LIBRARY_PATH");
    return said +
           "the dynamic loader did not find what it needs, and has said so on standard error; LD_LIBRARY_PATH is " +
           (path != nullptr ? '"' + std::string(path) + '"' : "not set") +
           ": were it, or a library, as at this program's start?";
  }
  return said + "a static object's constructor, or a line of main before workit::init, has ended it";
}

}  // namespace workit::workers
