// A real process that spins and ignores every request to stop, for tests that stop it.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include "spinning_child_page.hpp"

namespace workit::test {

/// Waits until `done()` is true, without a limit: the test runner has the only one.
template <class Predicate>
void wait_until(Predicate done) {
  while (!done()) std::this_thread::sleep_for(std::chrono::microseconds(200));
}

/// An exec'ed child (WORKIT_SPINNING_CHILD names the program) that is in its loop when the constructor returns.
/// Killed and reaped by the destructor, by plain system calls: the tests do not rely on what they test.
class spinning_child {
 public:
  explicit spinning_child(std::size_t dirty_mib = 0) : file_(memfd_create("spinning-child", 0)) {
    if (file_ < 0 || ftruncate(file_, sizeof(spinning_child_page)) != 0) fail("memfd");
    void* shared = mmap(nullptr, sizeof(spinning_child_page), PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
    if (shared == MAP_FAILED) fail("mmap");
    page_ = new (shared) spinning_child_page;
    std::string program = WORKIT_SPINNING_CHILD;
    std::string file = std::to_string(file_);
    std::string mib = std::to_string(dirty_mib);
    char* arguments[] = {program.data(), file.data(), mib.data(), nullptr};
    if ((errno = posix_spawn(&pid_, program.c_str(), nullptr, nullptr, arguments, environ)) != 0) fail("posix_spawn");
    fcntl(file_, F_SETFD, FD_CLOEXEC);  // the child must not inherit the next child's page
    pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    if (pidfd_ < 0) fail("pidfd_open");
    wait_until([this] { return beats() > 0 || exited(); });
    if (exited()) throw std::runtime_error("the spinning child did not start");
  }
  ~spinning_child() {
    if (!reaped_) {
      kill(pid_, SIGKILL);
      reap();
    }
    close(pidfd_);
    close(file_);
    munmap(page_, sizeof *page_);
  }
  spinning_child(const spinning_child&) = delete;
  spinning_child& operator=(const spinning_child&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] int pidfd() const { return pidfd_; }
  [[nodiscard]] const std::uint32_t* death_word() const { return page_->life.word(); }
  [[nodiscard]] const std::atomic<std::uint64_t>& counter() const { return page_->beats; }
  [[nodiscard]] std::uint64_t beats() const { return page_->beats.load(); }
  /// Whether it has come to its natural end.
  [[nodiscard]] bool left_marker() const { return page_->marker.load(); }
  /// From here on it goes to its natural end, if it can.
  void let_end() { page_->may_end = true; }

  /// Whether its pidfd is readable: the process has exited and its memory is gone.
  [[nodiscard]] bool exited() const {
    pollfd exit{pidfd_, POLLIN, 0};
    return poll(&exit, 1, 0) > 0;
  }
  /// Waits for its exit; the signal that ended it, 0 when it came to its natural end.
  int reap() {
    siginfo_t how{};
    while (waitid(P_PID, static_cast<id_t>(pid_), &how, WEXITED) != 0 && errno == EINTR) {
    }
    reaped_ = true;
    return how.si_code == CLD_EXITED ? 0 : how.si_status;
  }

 private:
  [[noreturn]] static void fail(const char* what) { throw std::system_error(errno, std::system_category(), what); }

  int file_;
  spinning_child_page* page_ = nullptr;
  pid_t pid_ = 0;
  int pidfd_ = -1;
  bool reaped_ = false;
};

}  // namespace workit::test
