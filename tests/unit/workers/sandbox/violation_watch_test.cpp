// What the zygote knows of forbidden calls, without a kernel that holds any back.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <benign_syscall.hpp>
#include <cstring>
#include <messages.hpp>
#include <violation_watch.hpp>
#include <workit/workers/sandbox.hpp>

#include "../ipc/socket_pair.hpp"

namespace workit::workers {
namespace {

/// What is polled for one worker; -1 for nothing.
int watched(const violation_watch& watch) {
  std::vector<pollfd> wanted;
  watch.append_to(wanted);
  EXPECT_LE(wanted.size(), 1U);
  return wanted.empty() ? -1 : wanted[0].fd;
}

void look(violation_watch& watch) {
  std::vector<pollfd> wanted;
  watch.append_to(wanted);
  ::poll(wanted.data(), wanted.size(), -1);
  watch.take(wanted, [](std::uint32_t, int) { ADD_FAILURE() << "no call was announced"; });
}

TEST(ViolationWatch, WaitsForTheListenerAndThenForItsAnnouncements) {
  test::socket_pair sockets;
  violation_watch watch;
  const int channel = sockets.host.get();
  watch.add(1, std::move(sockets.host));
  EXPECT_EQ(watched(watch), channel);
  const unique_fd listener(::eventfd(0, EFD_CLOEXEC));
  ASSERT_EQ(send(sockets.worker.get(), {.kind = message_kind::seccomp_listener}, std::array{listener.get()}),
            transfer::done);
  look(watch);
  EXPECT_NE(watched(watch), -1);
  EXPECT_EQ(::write(listener.get(), "12345678", 8), 8);
  look(watch);
  EXPECT_EQ(watched(watch), -1) << "what is no listener of the kernel's is not asked again";
}

TEST(ViolationWatch, GivesUpAWorkerThatSendsNone) {
  test::socket_pair sockets;
  violation_watch watch;
  watch.add(1, std::move(sockets.host));
  ASSERT_EQ(send(sockets.worker.get(), {.kind = message_kind::seccomp_listener}), transfer::done);
  look(watch);
  EXPECT_EQ(watched(watch), -1);
}

TEST(ViolationWatch, ForgetsAWorker) {
  test::socket_pair sockets;
  violation_watch watch;
  watch.add(1, std::move(sockets.host));
  watch.forget(1);
  EXPECT_EQ(watched(watch), -1);
}

#if defined(__x86_64__)

seccomp_notif open_of(const char* name, int flags) {
  seccomp_notif held_back{};
  held_back.pid = static_cast<std::uint32_t>(::getpid());
  held_back.data.nr = SYS_openat;
  held_back.data.arch = AUDIT_ARCH_X86_64;
  held_back.data.args[1] = reinterpret_cast<std::uint64_t>(name);
  held_back.data.args[2] = static_cast<std::uint64_t>(flags);
  return held_back;
}

TEST(BenignSyscall, ReadsAFileThatTellsOfTheMachine) {
  EXPECT_TRUE(is_benign(open_of("/proc/meminfo", O_RDONLY)));
  EXPECT_TRUE(is_benign(open_of("/sys/devices/system/cpu/online", O_RDONLY | O_CLOEXEC)));
  EXPECT_FALSE(is_benign(open_of("/proc/meminfo", O_RDWR)));
  EXPECT_FALSE(is_benign(open_of("/proc/meminfo", O_RDONLY | O_CREAT)));
  EXPECT_FALSE(is_benign(open_of("/etc/passwd", O_RDONLY)));
  EXPECT_FALSE(is_benign(open_of("/proc/meminfo2", O_RDONLY)));
}

TEST(BenignSyscall, IsNoneOfAnotherNumberOrInterface) {
  auto other = open_of("/proc/meminfo", O_RDONLY);
  other.data.nr = SYS_unlinkat;
  EXPECT_FALSE(is_benign(other));
  auto i386 = open_of("/proc/meminfo", O_RDONLY);
  i386.data.arch = AUDIT_ARCH_I386;
  EXPECT_FALSE(is_benign(i386));
}

TEST(BenignSyscall, HasANameThatCanBeRead) {
  EXPECT_FALSE(is_benign(open_of(nullptr, O_RDONLY)));
  const std::string endless = "/usr/share/locale/" + std::string(300, 'x');
  EXPECT_FALSE(is_benign(open_of(endless.c_str(), O_RDONLY))) << "longer than it is read";
  // A name at the end of the last page that there is.
  auto* const pages =
      static_cast<char*>(::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ::munmap(pages + 4096, 4096);
  constexpr char name[] = "/proc/stat";
  char* const at = pages + 4096 - sizeof name;
  std::memcpy(at, name, sizeof name);
  EXPECT_TRUE(is_benign(open_of(at, O_RDONLY)));
  ::munmap(pages, 4096);
}

TEST(Sandbox, NamesSystemCalls) {
  EXPECT_EQ(system_call_name(SYS_openat), "openat");
  EXPECT_EQ(system_call_name(SYS_socket), "socket");
  EXPECT_EQ(system_call_name(99'999), "system call 99999");
  EXPECT_EQ(system_call_name(-1), "a 32-bit system call");
}

TEST(Sandbox, IsMissingOnlyWhereTheKernelSaysWhy) {
  const unsigned action = SECCOMP_RET_USER_NOTIF;
  const bool has_it = ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
  EXPECT_EQ(missing_for_sandbox().empty(), has_it);
}

#endif

}  // namespace
}  // namespace workit::workers
