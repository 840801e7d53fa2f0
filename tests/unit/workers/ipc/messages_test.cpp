// The messages between host and zygote, over a socket of this process.
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <array>
#include <messages.hpp>

#include "socket_pair.hpp"

namespace workit::workers {
namespace {

TEST(Messages, ArriveAsTheyWereSent) {
  test::socket_pair sockets;
  message sent{.kind = message_kind::exited, .worker = 3, .status = 9, .largest_rss = 1 << 20};
  sent.limits.files = 5;
  sent.text.set("a sentence");
  const unique_fd beside(::eventfd(0, 0));
  ASSERT_EQ(send(sockets.host.get(), sent, std::array{beside.get()}), transfer::done);
  message got;
  std::vector<unique_fd> descriptors;
  ASSERT_EQ(receive(sockets.worker.get(), got, descriptors), transfer::done);
  EXPECT_EQ(got.kind, message_kind::exited);
  EXPECT_EQ(got.worker, 3U);
  EXPECT_EQ(got.status, 9);
  EXPECT_EQ(got.largest_rss, 1U << 20);
  EXPECT_EQ(got.limits.files, 5U);
  EXPECT_EQ(got.text.view(), "a sentence");
  EXPECT_EQ(descriptors.size(), 1U);
}

TEST(Messages, OfAnotherSizeCountAsTheEnd) {
  test::socket_pair sockets;
  const std::array<std::byte, 8> few{};
  ASSERT_EQ(send_packet(sockets.host.get(), few), transfer::done);
  message got;
  std::vector<unique_fd> descriptors;
  EXPECT_EQ(receive(sockets.worker.get(), got, descriptors), transfer::closed);
}

TEST(MessageText, IsCutWhereItDoesNotFit) {
  message_text text;
  text.set(std::string(1000, 'x'));
  EXPECT_EQ(text.view(), std::string(380, 'x') + "...");
  message_text fits;
  fits.set(std::string(383, 'x'));
  EXPECT_EQ(fits.view(), std::string(383, 'x')) << "the control";
}

}  // namespace
}  // namespace workit::workers
