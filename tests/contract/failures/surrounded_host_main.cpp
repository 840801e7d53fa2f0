// A host that tries to start a pool in a place that lacks something: `surrounded_host <mode> [argument]`. It prints
// what an offloaded call gives, or the sentence of the error.
#include <fcntl.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <latch>
#include <map>
#include <string>
#include <support/refuse_call.hpp>
#include <thread>
#include <workit/workit.hpp>

int from_a_library();

namespace {

using namespace workit;

int five() { return from_a_library(); }

int start(process_options options = {.workers = 1, .spares = 0}) {
  try {
    runtime rt({}, processes(std::move(options)));
    std::printf("the value is %d", rt.run([](scope& s) { return offload({}, five)(s); }));
    return 0;
  } catch (const std::exception& e) {
    std::printf("%s", e.what());
    return 1;
  }
}
int start_without_children() { return start({.workers = 1, .spares = 0, .limits = {.processes = 0}}); }

[[noreturn]] void cannot_be_tried(const char* what) {
  std::printf("cannot be tried: %s: %s", what, std::strerror(errno));
  std::fflush(stdout);
  _exit(2);
}

void refuse(unsigned call, unsigned error, int operation = -1) {
  if (!test::refuse_call(call, error, operation)) cannot_be_tried("a seccomp filter");
}

int elsewhere() {
  if (chdir("/") != 0) cannot_be_tried("chdir");
  return start();
}
/// With its library taken away.
int after_removal(const std::string& folder) {
  std::filesystem::remove_all(folder);
  return start();
}
int without_proc() {
  if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) cannot_be_tried("a mount namespace");
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("none", "/proc", "tmpfs", 0, nullptr) != 0)
    cannot_be_tried("a mount over /proc");
  return start();
}
int clone3_refused() {
  refuse(SYS_clone3, EPERM);
  return start();
}
int seccomp_refused() {
  refuse(SYS_seccomp, ENOSYS);
  return start_without_children();
}
int filters_refused() {
  refuse(SYS_seccomp, EPERM, SECCOMP_SET_MODE_FILTER);
  return start_without_children();
}

/// Runs a program as a user who owns no file.
int as_nobody(char* program) {
  constexpr unsigned nobody = 65534;
  if (setgroups(0, nullptr) != 0 || setgid(nobody) != 0 || setuid(nobody) != 0) cannot_be_tried("another user");
  char mode[] = "start";
  char* const arguments[] = {program, mode, nullptr};
  execv(program, arguments);
  cannot_be_tried(program);
}

}  // namespace

int main(int argc, char** argv) {
  if (std::getenv("WORKIT_TEST_EARLY_THREAD") != nullptr) {
    std::latch named(1);
    std::thread early([&] {
      pthread_setname_np(pthread_self(), "early");
      named.count_down();
      pause();
    });
    early.detach();
    named.wait();
  }
  if (std::getenv("WORKIT_TEST_EARLY_EXIT") != nullptr && argc >= 2 && std::strstr(argv[1], "zygote") != nullptr)
    std::exit(9);
  init(argc, argv);
  const std::map<std::string, std::function<int()>> modes{{"start", [] { return start(); }},
                                                          {"start_without_children", start_without_children},
                                                          {"elsewhere", elsewhere},
                                                          {"after_removal", [&] { return after_removal(argv[2]); }},
                                                          {"without_proc", without_proc},
                                                          {"clone3_refused", clone3_refused},
                                                          {"seccomp_refused", seccomp_refused},
                                                          {"filters_refused", filters_refused},
                                                          {"as_nobody", [&] { return as_nobody(argv[2]); }}};
  return modes.at(argv[1])();
}
