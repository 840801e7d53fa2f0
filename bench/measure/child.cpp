// Starts children by posix_spawn and runs their roles.
#include "child.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <vector>
#include <workit/preempt/proof.hpp>

extern char** environ;

namespace workit::bench {
namespace {

constexpr const char* mark = "--bench-child-role";

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

void be_ready(shared_page& page) {
  page.ready = 1;
  futex_wake(page.ready);
}

constexpr int inherited = 3;

[[noreturn]] void drain(std::size_t bytes) {
  for (;;) {
    std::vector<std::byte> all(bytes);
    for (std::size_t got = 0; got < bytes;) {
      const auto n = ::read(inherited, all.data() + got, bytes - got);
      if (n <= 0) ::_exit(0);
      got += static_cast<std::size_t>(n);
    }
    if (::write(inherited, all.data(), 1) != 1) ::_exit(0);
  }
}

[[noreturn]] void run_role(role what, std::uint64_t mib, shared_page& page) {
  (void)preempt::register_for_barrier();
  if (what == role::drain) {
    be_ready(page);
    drain(mib << 10);
  }
  hold_memory(mib);
  be_ready(page);
  while (what == role::spin_on_call && page.call == 0) futex_wait(page.call, 0);
  if (what == role::spin || what == role::spin_on_call)
    for (std::atomic<std::uint64_t> n{0};;) n.fetch_add(1, std::memory_order_relaxed);
  for (std::uint32_t seen = 0;;) {
    futex_wait(page.call, seen);
    if (page.call == seen) continue;
    if (what == role::wake) page.stamp = now_ns();
    seen = page.call;
    page.answer = seen;
    if (what == role::echo) futex_wake(page.answer);
  }
}

}  // namespace

void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t while_it_is) noexcept {
  syscall(SYS_futex, &word, FUTEX_WAIT, while_it_is, nullptr, nullptr, 0);
}

void futex_wake(std::atomic<std::uint32_t>& word) noexcept {
  syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

void hold_memory(std::uint64_t mib) {
  if (mib == 0) return;
  const auto bytes = mib << 20;
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("cannot map the memory that a victim is to hold");
  madvise(memory, bytes, MADV_NOHUGEPAGE);
  std::memset(memory, 1, bytes);
}

page_owner::page_owner() : memory_(memfd_create("workit-bench", MFD_CLOEXEC)) {
  if (!memory_ || ftruncate(memory_.get(), 4096) != 0) fail("no shared memory");
  page_ = open_page(path());
}

page_owner::~page_owner() { munmap(page_, 4096); }

std::string page_owner::path() const {
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(memory_.get());
}

shared_page* open_page(const std::string& path) {
  const unique_fd file(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file) fail(path.c_str());
  void* const at = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (at == MAP_FAILED) fail("mmap of the shared page");
  return static_cast<shared_page*>(at);
}

void run_child_role(int argc, char** argv) {
  if (argc != 6 || std::strcmp(argv[1], mark) != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != std::atoi(argv[5])) _exit(1);  // the parent died before the line above
  run_role(static_cast<role>(std::atoi(argv[2])), std::strtoull(argv[3], nullptr, 10), *open_page(argv[4]));
}

child::child(role what, int memory, int socket) {
  auto number = std::to_string(static_cast<int>(what));
  auto mib = std::to_string(memory);
  auto path = page_.path();
  auto parent = std::to_string(getpid());
  std::string name = "workit-bench-child", first = mark;
  std::array<char*, 7> words{name.data(), first.data(), number.data(), mib.data(), path.data(), parent.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (socket >= 0) posix_spawn_file_actions_adddup2(&actions, socket, inherited);
  const int error = posix_spawn(&id_, "/proc/self/exe", &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    errno = error;
    fail("posix_spawn of this program's own image");
  }
  while (page_->ready == 0) {
    const timespec a_while{0, 20'000'000};  // then looks whether it is still there
    syscall(SYS_futex, &page_->ready, FUTEX_WAIT, 0, &a_while, nullptr, 0);
    if (page_->ready == 0 && waitpid(id_, nullptr, WNOHANG) == id_) {
      id_ = 0;
      throw std::runtime_error("a child of the measurement died before it was ready");
    }
  }
}

void child::reap() noexcept {
  if (id_ != 0) waitpid(id_, nullptr, 0);
  id_ = 0;
}

child::~child() {
  if (id_ != 0) kill(id_, SIGKILL);
  reap();
}

}  // namespace workit::bench
