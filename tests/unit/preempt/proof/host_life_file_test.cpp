// host_life_file: the mutex that other processes find through its descriptor.
#include "host_life_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <optional>
#include <support/descriptor_balance.hpp>

namespace workit::test {
namespace {

using preempt::life_mutex;

class HostLifeFile : public descriptor_balance {
 protected:
  static void* map(int descriptor) {
    return mmap(nullptr, sizeof(life_mutex), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  }
};

TEST_F(HostLifeFile, AnotherMappingSeesTheMutexAndOutlivesTheObject) {
  std::optional<preempt::host_life_file> file(std::in_place);
  void* const mapped = map(file->descriptor());
  ASSERT_NE(mapped, MAP_FAILED);
  auto& seen = life_mutex::at(mapped);
  ASSERT_NE(&seen, &file->mutex());
  EXPECT_EQ(*seen.word(), 0u);
  file->mutex().hold();
  EXPECT_EQ(*seen.word(), *file->mutex().word());
  EXPECT_NE(*seen.word(), 0u);
  file->mutex().release();
  file.reset();
  EXPECT_EQ(seen.wait_for_death(), life_mutex::ending::released);
  munmap(mapped, sizeof(life_mutex));
}

TEST_F(HostLifeFile, IsNotInheritedByOtherPrograms) {
  const preempt::host_life_file file;
  EXPECT_NE(fcntl(file.descriptor(), F_GETFD) & FD_CLOEXEC, 0);
}

}  // namespace
}  // namespace workit::test
