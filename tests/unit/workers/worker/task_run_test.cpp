// Runs of tasks in this process: each way to end is one kind of result.
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <task_channel.hpp>
#include <task_run.hpp>
#include <workit/base/cancelled.hpp>

#include "../ipc/socket_pair.hpp"
#include "own_block.hpp"

namespace workit::workers {
namespace {

std::atomic<std::uint32_t> note{0};

void add(wire_reader& from, wire_writer& to) { to.write(from.read<int>() + from.read<int>()); }
void throw_far(wire_reader&, wire_writer&) { throw std::out_of_range("far"); }
void give_up(wire_reader&, wire_writer&) { workit::detail::cancel_thrower::leave(reason::user{}); }
void return_a_buffer(wire_reader&, wire_writer& to) { to.write(shared_buffer(16)); }

class TaskRun : public testing::Test {
 protected:
  ~TaskRun() override { std::set_new_handler(handler_before_); }

  result_kind call(trampoline task, const limit_values& limits = {}, std::uint32_t blocks = 0) {
    wire_writer arguments;
    arguments.write(40);
    arguments.write(2);
    block_.content.write(arguments.frame());
    control_block::request_fields request;
    request.entry = id_of(reinterpret_cast<any_function>(task));
    request.size = arguments.size();
    request.deadline_ns = std::numeric_limits<std::int64_t>::max();
    request.limits = limits;
    request.blocks = blocks;
    run_.call(request, 3);
    return result();
  }
  [[nodiscard]] result_kind result() const { return static_cast<result_kind>(block_.control().result.kind.load()); }
  template <class T>
  T next_value(wire_reader& from) {
    return from.read<T>();
  }
  std::span<const std::byte> frame() { return block_.content.view(block_.control().result.size); }

  const std::new_handler handler_before_ = std::get_new_handler();
  test::own_block block_;
  test::socket_pair sockets_;
  task_limits limits_{{}, note};
  task_run run_{block_.content, limits_, sockets_.worker.get()};
};

TEST_F(TaskRun, LeavesTheValueInThePlaceOfTheArguments) {
  EXPECT_EQ(call(add), result_kind::value);
  wire_reader value(frame());
  EXPECT_EQ(value.read<int>(), 42);
}

TEST_F(TaskRun, LeavesTypeTextAndBacktraceOfAnException) {
  EXPECT_EQ(call(throw_far), result_kind::exception);
  wire_reader texts(frame());
  EXPECT_EQ(texts.read<std::string>(), "std::out_of_range");
  EXPECT_EQ(texts.read<std::string>(), "far");
  static_cast<void>(texts.read<std::string>());
  EXPECT_TRUE(texts.read<std::vector<exception_text>>().empty());
  EXPECT_NO_THROW(texts.finish());
}

TEST_F(TaskRun, SaysThatTheTaskGaveUp) { EXPECT_EQ(call(give_up), result_kind::cancelled); }

TEST_F(TaskRun, KeepsALargeResultBack) {
  EXPECT_EQ(call(add, {.output = 3}), result_kind::exceeded);
  EXPECT_EQ(block_.control().exceeded, note_of(resource::output));
}

TEST_F(TaskRun, RefusesWhatTheImageDoesNotHave) {
  control_block::request_fields request;
  request.entry.module.build[0] = 1;
  run_.call(request, 3);
  EXPECT_EQ(result(), result_kind::refused);
  wire_reader why(frame());
  EXPECT_NE(why.read<std::string>().find("does not have this function's module"), std::string::npos);
}

TEST_F(TaskRun, CutsALongSentence) {
  run_.refuse(std::string(2 * first_payload, 'x'));
  EXPECT_EQ(result(), result_kind::refused);
  wire_reader why(frame());
  EXPECT_EQ(why.read<std::string>().size(), first_payload / 4);
}

TEST_F(TaskRun, TakesTheBuffersOfItsGenerationAndDropsThoseOfOthers) {
  const auto old = std::make_shared<shared_block>(8), own = std::make_shared<shared_block>(8);
  old->seal();
  own->seal();
  ASSERT_EQ(send_blocks(sockets_.host.get(), 2, {old}), 0);
  ASSERT_EQ(send_blocks(sockets_.host.get(), 3, {own}), 0);
  EXPECT_EQ(call(add, {}, 1), result_kind::value);
  EXPECT_EQ(call(add, {}, 1), result_kind::exception) << "the control: none is left";
}

TEST_F(TaskRun, SendsTheBuffersOfTheResult) {
  EXPECT_EQ(call(return_a_buffer), result_kind::value);
  EXPECT_EQ(block_.control().result.blocks, 1U);
  EXPECT_EQ(block_.control().messages_sent, 1U);
  const auto got = receive(sockets_.host.get());
  ASSERT_TRUE(got);
  EXPECT_EQ(got->descriptors.size(), 1U);
}

}  // namespace
}  // namespace workit::workers
