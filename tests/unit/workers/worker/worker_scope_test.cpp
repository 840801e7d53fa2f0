// A worker's scope and its senders, linked to a host that is this process.
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <cstring>
#include <thread>
#include <worker_scope.hpp>
#include <workit/base/errors.hpp>
#include <workit/scope/context.hpp>
#include <workit/wait/channel_closed.hpp>
#include <workit/workers/detail/remote_call.hpp>
#include <workit/workers/detail/remote_channel.hpp>

#include "../ipc/socket_pair.hpp"
#include "own_block.hpp"
#include "task_channel.hpp"

namespace workit::workers {
namespace {

using namespace std::chrono_literals;

/// For the whole process: the runtime of the scopes is made once.
struct linked_worker {
  test::own_block block;
  test::socket_pair sockets;
  unique_fd event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::atomic<int> loop_event{event.get()};

  linked_worker() {
    block.control().request.deadline_ns = std::numeric_limits<std::int64_t>::max();
    std::strcpy(block.control().request.name, "task");
    block.control().word = control_word(1, phase::running).bits();
    set_host_link({&block.control(), sockets.worker.get(), &loop_event});
  }
  static linked_worker& instance() {
    static linked_worker self;
    return self;
  }
};

class WorkerScope : public testing::Test {
 protected:
  linked_worker& worker_ = linked_worker::instance();
  control_block& control_ = worker_.block.control();

  eventfd_t wakes() {
    eventfd_t count = 0;
    ::eventfd_read(worker_.event.get(), &count);
    return count;
  }
};

TEST_F(WorkerScope, SendsReportsAndLogLinesToTheHost) {
  const auto before = control_.messages_sent.load();
  wakes();
  run_in_worker_scope([](context& ctx) {
    ctx.report({.pct = 50.0, .message = "half"});
    ctx.log(log_level::warn, "careful");
  });
  const auto first = receive(worker_.sockets.host.get()), second = receive(worker_.sockets.host.get());
  ASSERT_TRUE(first && second);
  EXPECT_EQ(std::get<progress_message>(decode(first->content).value()).message, "half");
  EXPECT_EQ(std::get<log_message>(decode(second->content).value()).message, "careful");
  EXPECT_EQ(control_.messages_sent, before + 2);
  EXPECT_GT(wakes(), 0U);
}

TEST_F(WorkerScope, HasTheDeadlineOfTheRequest) {
  const auto until = std::chrono::steady_clock::now() + 1h;
  control_.request.deadline_ns = until.time_since_epoch().count();
  run_in_worker_scope([&](context& ctx) { EXPECT_EQ(ctx.deadline().at(), until); });
  control_.request.deadline_ns = std::numeric_limits<std::int64_t>::max();
}

TEST_F(WorkerScope, IsCancelledWhenItsOwnGenerationWasAskedToStop) {
  write_reason(control_.asked, reason::user{"enough"});
  control_.asked.generation = 1;
  std::string why;
  try {
    run_in_worker_scope([](context& ctx) { ctx.sleep_for(1h); });
  } catch (const scope_cancelled& c) {
    why = describe(c.why());
  }
  EXPECT_EQ(why, "user: enough");
  control_.asked.generation = 0;
  EXPECT_NO_THROW(run_in_worker_scope([](context& ctx) { ctx.check(); })) << "the request was for another task";
}

TEST_F(WorkerScope, SendersSendAValueInParts) {
  control_.channels[0].room = channel_word::one;
  begin_sending(0);
  wire_writer value;
  value.append(std::string(largest_packet + 100, 'x').data(), largest_packet + 100);
  send_part(0, "lines", value);
  auto first = receive(worker_.sockets.host.get()), second = receive(worker_.sockets.host.get());
  ASSERT_TRUE(first && second);
  std::span<const std::byte> head(first->content.data(), first->content.size());
  std::span<const std::byte> tail(second->content.data(), second->content.size());
  const auto begin = decode_part(head), end = decode_part(tail);
  ASSERT_TRUE(begin && end);
  EXPECT_EQ(begin->generation, 1U);
  EXPECT_EQ(begin->size, largest_packet + 100);
  EXPECT_EQ(begin->offset, 0U);
  EXPECT_EQ(end->offset, head.size());
  EXPECT_EQ(head.size() + tail.size(), largest_packet + 100);
}

TEST_F(WorkerScope, SendersWaitForRoom) {
  control_.channels[1].room = 0;
  begin_sending(1);
  wire_writer value;
  value.write(1);
  std::thread host([&] {
    while ((control_.channels[1].room.load() & channel_word::waits) == 0) std::this_thread::yield();
    control_.channels[1].room.fetch_add(channel_word::one);
    wake(control_.channels[1].room);
  });
  send_part(1, "numbers", value);
  host.join();
  EXPECT_TRUE(receive(worker_.sockets.host.get()));
}

TEST_F(WorkerScope, SendersEndWithTheirChannel) {
  wire_writer value;
  value.write(1);
  EXPECT_FALSE(is_closed(2));
  control_.channels[2].room = channel_word::closed;
  begin_sending(2);
  EXPECT_TRUE(is_closed(2));
  EXPECT_THROW(send_part(2, "numbers", value), channel_closed);
  EXPECT_THROW(begin_sending(most_channels), wire_error);
}

}  // namespace
}  // namespace workit::workers
