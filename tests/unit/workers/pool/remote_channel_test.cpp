// remote_channel: values put together from pieces, and the room that is counted on the worker's page.
#include <gtest/gtest.h>

#include <cstring>
#include <stdexcept>
#include <workit/wait/channel_closed.hpp>
#include <workit/workers/detail/remote_channel.hpp>

#include "pool_parts.hpp"

namespace workit::test {
namespace {

class RemoteChannel : public testing::Test {
 protected:
  RemoteChannel() { channel_->connect(worker_, 1, 100); }
  void take(std::string_view piece, std::uint64_t size, std::uint64_t offset = 0) {
    channel_->take({.size = size, .offset = offset}, std::as_bytes(std::span(piece.data(), piece.size())), {});
  }
  std::string received() {
    const auto value = channel_->try_receive();
    if (!value) return "none";
    return {reinterpret_cast<const char*>(value->frame.data()), value->frame.size()};
  }
  std::uint32_t room() const { return worker_->control().channels[1].room.load(); }

  const std::shared_ptr<worker_handle> worker_ = worker_handle::make(1, make_group(), worker_output::inherit);
  const std::shared_ptr<remote_channel> channel_ =
      std::make_shared<remote_channel>(channel_options{.capacity = 2, .name = "rows"});
};

TEST_F(RemoteChannel, PutsAValueTogetherFromItsPieces) {
  take("ab", 5);
  EXPECT_EQ(received(), "none");
  take("cde", 5, 2);
  EXPECT_EQ(received(), "abcde");
}

TEST_F(RemoteChannel, ClosesAtAPieceThatFitsNowhere) {
  take("ab", 5);
  take("cd", 5, 3);
  EXPECT_TRUE(channel_->closed());
  EXPECT_THROW(std::rethrow_exception(channel_->error()), wire_error);
}

TEST_F(RemoteChannel, ClosesAtMoreThanWasAnnounced) {
  take("abc", 2);
  EXPECT_TRUE(channel_->closed());
}

TEST_F(RemoteChannel, ClosesAtAValueThatIsLargerThanItMayBe) {
  take("a", 101);
  EXPECT_TRUE(channel_->closed());
}

TEST_F(RemoteChannel, ClosesAtAValueForWhichThereIsNoRoom) {
  for (const auto* value : {"a", "b"}) take(value, 1);
  EXPECT_FALSE(channel_->closed());
  take("c", 1);
  EXPECT_TRUE(channel_->closed());
}

TEST_F(RemoteChannel, GivesRoomForItsCapacityAndForEachValueThatIsReceived) {
  EXPECT_EQ(room(), 2 * channel_word::one);
  take("a", 1);
  EXPECT_EQ(room(), 2 * channel_word::one);
  EXPECT_EQ(received(), "a");
  EXPECT_EQ(room(), 3 * channel_word::one);
}

TEST_F(RemoteChannel, WritesNothingToThePageOnceDisconnected) {
  take("a", 1);
  channel_->disconnect();
  EXPECT_EQ(received(), "a");
  channel_->close(reason::user{});
  EXPECT_EQ(room(), 2 * channel_word::one) << "it is the next task's";
}

TEST_F(RemoteChannel, TellsTheWorkerThatItIsClosedAndWhy) {
  channel_->close(reason::user{});
  EXPECT_EQ(room() & channel_word::closed, channel_word::closed);
  EXPECT_TRUE(worker_->control().channels[1].has_reason);
}

TEST_F(RemoteChannel, IsFedByOneCallOnly) {
  channel_->begin();
  EXPECT_THROW(channel_->begin(), std::logic_error);
  channel_->close();
  EXPECT_THROW(channel_->begin(), channel_closed);
}

TEST_F(RemoteChannel, ClosesWithTheLastHandleOfEitherEnd) {
  auto end = channel_->reading_end();
  const auto copy = end;
  end.reset();
  EXPECT_FALSE(channel_->closed());
  channel_->sending_end().reset();
  EXPECT_TRUE(channel_->closed());
}

}  // namespace
}  // namespace workit::test
