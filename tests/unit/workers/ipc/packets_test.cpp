// Packets over a socket of this process: bytes, descriptors, and what ends them.
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <packets.hpp>
#include <support/descriptor_balance.hpp>

#include "socket_pair.hpp"

namespace workit::workers {
namespace {

class Packets : public test::descriptor_balance {
 protected:
  transfer send(std::size_t size, std::span<const int> descriptors = {}) {
    return send_packet(sockets_->worker.get(), std::span(sent_).first(size), descriptors);
  }
  transfer receive(std::size_t room = 64) {
    got_ = std::span(received_).first(room);
    return receive_packet(sockets_->host.get(), got_, descriptors_);
  }
  void SetUp() override {
    descriptor_balance::SetUp();
    sockets_ = std::make_unique<test::socket_pair>();
  }
  void TearDown() override {
    descriptors_.clear();
    sockets_.reset();
    descriptor_balance::TearDown();
  }

  std::unique_ptr<test::socket_pair> sockets_;
  std::array<std::byte, 64> sent_{std::byte{1}, std::byte{2}}, received_{};
  std::span<std::byte> got_;
  std::vector<unique_fd> descriptors_;
};

TEST_F(Packets, ArriveOneByOneWithTheirSize) {
  EXPECT_EQ(receive(), transfer::again) << "none was sent";
  EXPECT_EQ(send(2), transfer::done);
  EXPECT_EQ(send(1), transfer::done);
  EXPECT_EQ(receive(), transfer::done);
  ASSERT_EQ(got_.size(), 2U);
  EXPECT_EQ(got_[1], std::byte{2});
  EXPECT_EQ(receive(), transfer::done);
  EXPECT_EQ(got_.size(), 1U);
}

TEST_F(Packets, BringDescriptorsThatAreClosedOnExec) {
  const unique_fd first(::eventfd(7, 0)), second(::eventfd(9, 0));
  EXPECT_EQ(send(1, std::array{first.get(), second.get()}), transfer::done);
  EXPECT_EQ(receive(), transfer::done);
  ASSERT_EQ(descriptors_.size(), 2U);
  eventfd_t value = 0;
  EXPECT_EQ(::eventfd_read(descriptors_[1].get(), &value), 0);
  EXPECT_EQ(value, 9U) << "in the order in which they were sent";
  EXPECT_NE(::fcntl(descriptors_[0].get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(Packets, WithoutDescriptorsForgetThoseOfAnEarlierOne) {
  const unique_fd one(::eventfd(0, 0));
  EXPECT_EQ(send(1, std::array{one.get()}), transfer::done);
  EXPECT_EQ(send(1), transfer::done);
  EXPECT_EQ(receive(), transfer::done);
  EXPECT_EQ(receive(), transfer::done);
  EXPECT_TRUE(descriptors_.empty());
}

TEST_F(Packets, ThatDoNotFitCountAsTheEnd) {
  EXPECT_EQ(send(2), transfer::done);
  EXPECT_EQ(receive(1), transfer::closed);
}

TEST_F(Packets, EndWithTheOtherSide) {
  sockets_->worker.reset();
  EXPECT_EQ(receive(), transfer::closed);
  EXPECT_EQ(send_packet(sockets_->host.get(), std::span(sent_), {}), transfer::closed) << "and no SIGPIPE";
}

TEST_F(Packets, AreSentLaterWhereTheSocketIsFull) {
  transfer last = transfer::done;
  for (int n = 0; n < 100'000 && last == transfer::done; ++n) last = send(64);
  EXPECT_EQ(last, transfer::again);
  EXPECT_EQ(receive(), transfer::done);
}

}  // namespace
}  // namespace workit::workers
