// zygote_link: messages both ways over its socket, and the life of its process.
#include "zygote_link.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "pool_parts.hpp"

namespace workit::test {
namespace {

TEST(ZygoteLink, CarriesMessagesAndDescriptorsBothWays) {
  auto [link, zygote] = make_link();
  const unique_fd file(::dup(0));
  EXPECT_EQ(link->send({.kind = message_kind::fork, .worker = 7}, std::vector{file.get()}), transfer::done);
  message m;
  std::vector<unique_fd> descriptors;
  ASSERT_EQ(receive(zygote.socket.get(), m, descriptors), transfer::done);
  EXPECT_EQ(m.kind, message_kind::fork);
  EXPECT_EQ(m.worker, 7U);
  EXPECT_EQ(descriptors.size(), 1U);
  ASSERT_EQ(send(zygote.socket.get(), {.kind = message_kind::exited, .worker = 7, .status = 9}), transfer::done);
  ASSERT_EQ(link->receive(m, descriptors), transfer::done);
  EXPECT_EQ(m.kind, message_kind::exited);
  EXPECT_EQ(m.status, 9);
}

TEST(ZygoteLink, SaysWhetherThereIsAMessageAndWhetherTheZygoteListens) {
  auto [link, zygote] = make_link();
  message m;
  std::vector<unique_fd> descriptors;
  EXPECT_EQ(link->receive(m, descriptors), transfer::again);
  zygote.socket.reset();
  EXPECT_EQ(link->receive(m, descriptors), transfer::closed);
  EXPECT_EQ(link->send({.kind = message_kind::quit}), transfer::closed);
}

TEST(ZygoteLink, AProcessThatLivesHasNotExitedAndIsNotReaped) {
  auto [link, zygote] = make_link();
  EXPECT_FALSE(link->has_exited());
  EXPECT_EQ(link->reap(), "") << "it is no child of this process";
}

}  // namespace
}  // namespace workit::test
