// shared_buffer: sealed memory.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <support/descriptor_balance.hpp>
#include <workit/workers/detail/remote_call.hpp>
#include <workit/workers/shared_buffer.hpp>

namespace workit {
namespace {

class SharedBuffer : public test::descriptor_balance {};

TEST_F(SharedBuffer, IsWrittenInPlaceAndReadAfterItWasSealed) {
  shared_buffer numbers(4 * sizeof(int));
  EXPECT_EQ(numbers.write<int>().size(), 4u);
  std::ranges::fill(numbers.write<int>(), 7);
  const shared_buffer copy = numbers;
  EXPECT_EQ(copy.read<int>()[3], 7) << "copies share the block";
  numbers.seal();
  numbers.seal();
  EXPECT_TRUE(copy.sealed());
  EXPECT_EQ(numbers.read<int>()[3], 7);
}

TEST_F(SharedBuffer, MayHaveNoBytesAndMoreThanWholeValues) {
  shared_buffer none, empty(0), odd(7);
  EXPECT_EQ(none.size() + empty.size(), 0u);
  EXPECT_TRUE(none.read().empty());
  none.seal();
  empty.seal();
  EXPECT_EQ(odd.write<int>().size(), 1u);
}

TEST_F(SharedBuffer, CannotBeChangedOnceItWasSealed) {
  shared_block block(4096);
  std::memset(block.data(), 1, 4096);
  EXPECT_EQ(::pwrite(block.descriptor(), "x", 1, 0), 1) << "the control arm: before that it can";
  block.seal();
  EXPECT_EQ(::pwrite(block.descriptor(), "y", 1, 0), -1);
  EXPECT_EQ(::ftruncate(block.descriptor(), 0), -1);
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, block.descriptor(), 0), MAP_FAILED);
  EXPECT_EQ(block.data()[0], std::byte{'x'});
}

TEST_F(SharedBuffer, IsNotTakenFromASenderThatCouldStillChangeIt) {
  const auto received = [](const shared_block& from) { return shared_block(unique_fd(::dup(from.descriptor()))); };
  shared_block open(4096);
  EXPECT_THROW(received(open), wire_error);
  open.seal();
  EXPECT_EQ(received(open).size(), 4096u) << "the control arm";
  EXPECT_THROW(shared_block(unique_fd(::open("/dev/zero", O_RDWR | O_CLOEXEC))), wire_error);
}

TEST_F(SharedBuffer, TravelsBesideItsFrame) {
  shared_buffer big(std::size_t{64} << 20);
  big.write<char>()[1] = 'x';
  const auto call = workers::make_remote_call([](shared_buffer, int) {}, big, 1);
  EXPECT_LT(call.arguments.size(), 64u) << "bytes that were copied";
  ASSERT_EQ(call.beside.size(), 1u);
  EXPECT_TRUE(big.sealed());
  wire_reader from(call.arguments, call.beside);
  const auto arrived = from.read<shared_buffer>();
  EXPECT_EQ(arrived.read<char>()[1], 'x');
  EXPECT_EQ(from.read<int>(), 1);
}

TEST_F(SharedBuffer, ThatDidNotComeAlongIsAnError) {
  const auto call = workers::make_remote_call([](shared_buffer) {}, shared_buffer(1));
  wire_reader from(call.arguments);
  EXPECT_THROW(static_cast<void>(from.read<shared_buffer>()), wire_error);
}

TEST_F(SharedBuffer, ThereMayBeTwoHundredOfThem) {
  wire_writer to;
  for (int i = 0; i < 200; ++i) to.write(shared_buffer(1));
  EXPECT_THROW(to.write(shared_buffer(1)), wire_error);
}

TEST(SharedBufferDeathTest, RefusesToBeWrittenToOnceItWasSent) {
  shared_buffer sent(8);
  sent.seal();
  EXPECT_DEATH(static_cast<void>(sent.write()), "was written to after it was sent or sealed: make a new one");
}

}  // namespace
}  // namespace workit
