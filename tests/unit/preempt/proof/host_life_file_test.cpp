// host_life_file: the mutexes that other processes find through its descriptor, and can only read.
#include "host_life_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <set>
#include <string>
#include <support/descriptor_balance.hpp>
#include <system_error>
#include <vector>

namespace workit::test {
namespace {

using preempt::host_life_file;
using preempt::host_life_place;
using preempt::host_life_view;
using preempt::life_mutex;

class HostLifeFile : public descriptor_balance {};

TEST_F(HostLifeFile, AViewOutlivesTheFile) {
  auto file = host_life_file::make();
  std::optional<host_life_place> place(file->take());
  const host_life_view view(place->descriptor(), place->offset());
  ASSERT_NE(view.mutex(), nullptr);
  EXPECT_EQ(*view.mutex()->word(), 0u);
  file->hold();
  EXPECT_NE(*view.mutex()->word(), 0u);
  file->release();
  place.reset();
  file.reset();
  EXPECT_EQ(view.mutex()->wait_for_death(), life_mutex::ending::released);
}

TEST_F(HostLifeFile, HasAPlaceForEachProcessAndOneThatIsGivenBackServesAgain) {
  const auto file = host_life_file::make();
  std::vector<host_life_place> places;
  std::set<std::size_t> offsets;
  for (std::size_t i = 0; i < host_life_file::places; ++i) offsets.insert(places.emplace_back(file->take()).offset());
  EXPECT_EQ(offsets.size(), host_life_file::places);
  try {
    static_cast<void>(file->take());
    ADD_FAILURE() << "there was one more";
  } catch (const std::system_error& none) {
    EXPECT_NE(std::string(none.what()).find("all 256 places"), std::string::npos) << none.what();
  }
  const auto freed = places.back().offset();
  places.pop_back();
  EXPECT_EQ(file->take().offset(), freed);
}

TEST_F(HostLifeFile, IsNotInheritedByOtherPrograms) {
  const auto file = host_life_file::make();
  EXPECT_NE(fcntl(file->descriptor(), F_GETFD) & FD_CLOEXEC, 0);
}

/// What a process that was given the descriptor can do to the file, by each way that there is. Empty when nothing.
std::string what_is_possible(int descriptor) {
  std::string done;
  const auto tried = [&](const char* what, bool possible) {
    if (possible) done += std::string(done.empty() ? "" : ", ") + what;
  };
  const int again = open(("/proc/self/fd/" + std::to_string(descriptor)).c_str(), O_RDWR | O_CLOEXEC);
  const std::uint32_t died = 0x40000000;
  for (const int file : {descriptor, again}) {
    tried("pwrite", pwrite(file, &died, sizeof died, 0) >= 0);
    tried("truncate", ftruncate(file, 0) == 0);
    tried("grow", ftruncate(file, 1 << 20) == 0);
    tried("punch a hole", fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == 0);
    void* const writable = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    tried("map it writable", writable != MAP_FAILED);
    if (writable != MAP_FAILED) munmap(writable, 4096);
    void* const readable = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file, 0);
    tried("make a mapping writable", readable != MAP_FAILED && mprotect(readable, 4096, PROT_READ | PROT_WRITE) == 0);
    if (readable != MAP_FAILED) munmap(readable, 4096);
  }
  close(again);
  return done;
}

TEST_F(HostLifeFile, CannotBeChangedByThoseWhoReadIt) {
  const auto file = host_life_file::make();
  EXPECT_EQ(what_is_possible(file->descriptor()), "");
  const unique_fd unsealed(memfd_create("unsealed", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(unsealed.get(), 4096), 0);
  EXPECT_NE(what_is_possible(unsealed.get()), "") << "control arm: without seals there are ways";
}

}  // namespace
}  // namespace workit::test
