// A worker's view of its block: what fits the mapping, what goes through the file, and a descriptor that was closed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <system_error>
#include <vector>

#include "own_block.hpp"

namespace workit::workers {
namespace {

TEST(Payload, IsNotMappedWithoutAFile) { EXPECT_FALSE(payload(-1).mapped()); }

TEST(Payload, HoldsASmallResultInPlace) {
  test::own_block block;
  const std::vector<std::byte> frame(100, std::byte{7});
  block.content.write(frame);
  EXPECT_EQ(block.content.view(100)[99], std::byte{7});
}

TEST(Payload, WritesALargeResultToTheFileAndGrowsToReadIt) {
  test::own_block block;
  std::vector<std::byte> frame(first_payload + 5000, std::byte{1});
  frame.back() = std::byte{9};
  block.content.write(frame);
  const auto seen = block.content.view(frame.size());
  ASSERT_EQ(seen.size(), frame.size());
  EXPECT_EQ(seen[frame.size() - 1], std::byte{9});
  EXPECT_EQ(seen[0], std::byte{1});
}

TEST(Payload, HasRoomInPlaceForASecondLargeResult) {
  test::own_block block;
  const std::vector<std::byte> frame(first_payload + 5000, std::byte{1});
  EXPECT_LT(block.content.room().size(), frame.size());
  block.content.write(frame);
  const auto room = block.content.room();
  ASSERT_GE(room.size(), frame.size());
  std::fill(room.begin(), room.end(), std::byte{2});
  block.content.write(room.first(frame.size()));  // it is there
  std::byte last{};
  ASSERT_EQ(::pread(block.file.get(), &last, 1, static_cast<off_t>(payload_offset + frame.size() - 1)), 1);
  EXPECT_EQ(last, std::byte{2});
}

TEST(Payload, LeavesTheControlPageAlone) {
  test::own_block block;
  block.control().beat = 77;
  block.content.write(std::vector<std::byte>(first_payload + 1, std::byte{1}));
  EXPECT_EQ(block.control().beat, 77U);
}

TEST(Payload, NoticesThatItsDescriptorIsAnotherFile) {
  test::own_block block;
  EXPECT_TRUE(block.content.descriptor_intact());
  const unique_fd other(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::dup3(other.get(), block.file.get(), O_CLOEXEC), block.file.get());
  EXPECT_FALSE(block.content.descriptor_intact());
  EXPECT_THROW(block.content.write(std::vector<std::byte>(first_payload + 1)), std::system_error);
  EXPECT_NO_THROW(block.content.write(std::vector<std::byte>(10))) << "a small one needs no descriptor";
}

}  // namespace
}  // namespace workit::workers
