// worker_memory: anonymous memory is counted, a mapped file is not.
#include "worker_memory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <workit/base/unique_fd.hpp>

#include <workit/base/detail/sanitizers.hpp>

namespace workit::test {
namespace {

using workers::anonymous_memory_of;

constexpr std::size_t much = 16 << 20;

class WorkerMemory : public testing::Test {
 protected:
  void SetUp() override {
#if defined(WORKIT_ADDRESS_SANITIZER) || defined(WORKIT_THREAD_SANITIZER)
    GTEST_SKIP() << "a sanitizer keeps a shadow, anonymous as well, for all memory that is written to";
#endif
  }
  static std::uint64_t grown_by_mapping(int descriptor, int flags) {
    const auto before = anonymous_memory_of(::getpid());
    void* memory = ::mmap(nullptr, much, PROT_READ | PROT_WRITE, flags, descriptor, 0);
    std::memset(memory, 1, much);
    const auto after = anonymous_memory_of(::getpid());
    ::munmap(memory, much);
    return after - std::min(after, before);
  }
};

TEST_F(WorkerMemory, CountsPrivateMemoryInBytes) {
  const auto grown = grown_by_mapping(-1, MAP_PRIVATE | MAP_ANONYMOUS);
  EXPECT_GT(grown, much / 2);
  EXPECT_LT(grown, much * 2);
}

TEST_F(WorkerMemory, DoesNotCountSharedMemory) {
  const unique_fd file(::memfd_create("shared", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(file.get(), much), 0);
  EXPECT_LT(grown_by_mapping(file.get(), MAP_SHARED), much / 2);
}

TEST_F(WorkerMemory, OfNoProcessIsZero) { EXPECT_EQ(anonymous_memory_of(-1), 0U); }

}  // namespace
}  // namespace workit::test
