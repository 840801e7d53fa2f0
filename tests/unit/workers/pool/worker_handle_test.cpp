// worker_handle: what the host writes into a worker's block, and what it believes of what comes back.
#include "worker_handle.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "limit_note.hpp"
#include "pool_parts.hpp"

namespace workit::test {
namespace {

using namespace std::chrono_literals;

/// Plays the worker on its own mapping of the block.
class WorkerHandle : public testing::Test {
 protected:
  WorkerHandle() {
    const auto ends = worker_->descriptors_for_zygote();
    block_ = ends.front();
  }
  void leave(result_kind kind, const bytes& frame) {
    ASSERT_EQ(::pwrite(block_, frame.data(), frame.size(), payload_offset), static_cast<ssize_t>(frame.size()));
    worker_->control().result.kind = static_cast<std::uint32_t>(kind);
    worker_->control().result.size = frame.size();
  }
  static bytes frame_of(const std::vector<std::string>& words) {
    wire_writer frame;
    for (const auto& w : words) frame.write(w);
    return frame.take();
  }
  static bytes some_bytes(std::size_t size) {
    bytes all;
    all.resize(size);
    std::fill(all.begin(), all.end(), std::byte{7});
    return all;
  }
  std::optional<std::string> request(bytes arguments, worker_handle::request_terms terms = {}) {
    return worker_->write_request({{}, std::move(arguments)}, terms);
  }

  const std::shared_ptr<worker_handle> worker_ = worker_handle::make(1, make_group(), worker_output::inherit);
  int block_ = -1;
};

TEST_F(WorkerHandle, SealsItsBlockAgainstShrinking) {
  EXPECT_NE(::ftruncate(block_, 0), 0);
  EXPECT_NE(::fcntl(block_, F_GET_SEALS) & F_SEAL_SHRINK, 0);
}

TEST_F(WorkerHandle, WritesTheRequestAndCutsANameThatIsTooLong) {
  const std::string name(100, 'n');
  EXPECT_EQ(request(some_bytes(10), {.until = deadline_point(time_point(5s)), .grace = 3ms, .loop = 2, .name = name}),
            std::nullopt);
  const auto& request = worker_->control().request;
  EXPECT_EQ(request.size, 10U);
  EXPECT_EQ(request.deadline_ns, 5'000'000'000);
  EXPECT_EQ(request.grace_ns, 3'000'000);
  EXPECT_EQ(request.loop, 2U);
  EXPECT_EQ(std::string(request.name), name.substr(0, sizeof request.name - 1));
  std::byte first{};
  ASSERT_EQ(::pread(block_, &first, 1, payload_offset), 1);
  EXPECT_EQ(first, std::byte{7});
}

TEST_F(WorkerHandle, NoDeadlineIsTheLatestInstant) {
  EXPECT_EQ(request({}), std::nullopt);
  EXPECT_EQ(worker_->control().request.deadline_ns, std::numeric_limits<std::int64_t>::max());
}

TEST_F(WorkerHandle, LargeArgumentsGoBehindItsOwnMapping) {
  auto arguments = some_bytes(first_payload + 1);
  *(arguments.end() - 1) = std::byte{9};
  EXPECT_EQ(request(std::move(arguments)), std::nullopt);
  std::byte last{};
  ASSERT_EQ(::pread(block_, &last, 1, payload_offset + first_payload), 1);
  EXPECT_EQ(last, std::byte{9});
}

TEST_F(WorkerHandle, ReadsAValue) {
  ASSERT_EQ(request({}), std::nullopt);
  leave(result_kind::value, some_bytes(20));
  const auto came = std::get<job_value>(*worker_->read_result({})).encoded.frame;
  const auto left = some_bytes(20);
  EXPECT_TRUE(std::equal(came.begin(), came.end(), left.begin(), left.end()));
}

TEST_F(WorkerHandle, ReadsAnExceptionAndARefusal) {
  wire_writer frame;
  for (const char* word : {"type", "what", "where"}) frame.write(std::string(word));
  frame.write(std::vector<exception_text>{{"its", "cause"}});
  leave(result_kind::exception, frame.take());
  const auto thrown = std::get<job_exception>(*worker_->read_result({}));
  EXPECT_EQ(thrown.type + thrown.what + thrown.backtrace, "typewhatwhere");
  ASSERT_EQ(thrown.causes.size(), 1U);
  EXPECT_EQ(thrown.causes[0].type + thrown.causes[0].message, "itscause");
  leave(result_kind::refused, frame_of({"why"}));
  EXPECT_EQ(std::get<job_not_started>(*worker_->read_result({})).why, "why");
  leave(result_kind::cancelled, {});
  EXPECT_TRUE(std::holds_alternative<job_gave_up>(*worker_->read_result({})));
}

TEST_F(WorkerHandle, BelievesNoExceptionWithoutItsThreeTexts) {
  leave(result_kind::exception, frame_of({"type", "what"}));
  EXPECT_FALSE(worker_->read_result({}));
  leave(result_kind::exception, frame_of({"type", "what", "where"}));
  EXPECT_FALSE(worker_->read_result({})) << "nor without its causes";
}

TEST_F(WorkerHandle, BelievesNoKindThatIsNone) {
  leave(static_cast<result_kind>(99), frame_of({"a", "b", "c"}));
  EXPECT_FALSE(worker_->read_result({}));
}

TEST_F(WorkerHandle, BelievesNoSizeThatWasNeverWritten) {
  ASSERT_EQ(request({}), std::nullopt);
  leave(result_kind::value, {});
  worker_->control().result.size = std::uint64_t{1} << 30;
  ASSERT_EQ(::ftruncate(block_, payload_offset + (off_t{1} << 30)), 0) << "a file with a hole";
  EXPECT_FALSE(worker_->read_result({}));
  worker_->control().result.size = largest_payload + 1;
  EXPECT_FALSE(worker_->read_result({}));
}

TEST_F(WorkerHandle, BelievesNoResultWhoseSharedBuffersDidNotCome) {
  ASSERT_EQ(request({}), std::nullopt);
  leave(result_kind::value, {});
  worker_->control().result.blocks = 1;
  EXPECT_FALSE(worker_->read_result({}));
}

TEST_F(WorkerHandle, AValueBeyondTheOutputLimitIsThatLimit) {
  ASSERT_EQ(request({}, {.limits = {.output = 10}}), std::nullopt);
  leave(result_kind::value, some_bytes(11));
  EXPECT_EQ(std::get<job_exceeded>(*worker_->read_result({})).what, resource::output);
  leave(result_kind::value, some_bytes(10));
  EXPECT_TRUE(std::holds_alternative<job_value>(*worker_->read_result({})));
}

TEST_F(WorkerHandle, BelievesOnlyALimitThatWasInForce) {
  ASSERT_EQ(request({}, {.limits = {.memory = 100}}), std::nullopt);
  worker_->control().result.kind = static_cast<std::uint32_t>(result_kind::exceeded);
  worker_->control().exceeded = note_of(resource::memory);
  EXPECT_EQ(std::get<job_exceeded>(*worker_->read_result({})).limit, 100U);
  worker_->control().exceeded = note_of(resource::files);
  EXPECT_FALSE(worker_->read_result({}));
  worker_->control().exceeded = 12345;
  EXPECT_FALSE(worker_->read_result({}));
}

TEST_F(WorkerHandle, RewindsToTheNextGenerationAndKeepsOfALargePayloadWhatItMay) {
  constexpr std::size_t large = 4 << 20;
  const auto in_memory = [&] {
    struct stat about {};
    EXPECT_EQ(::fstat(block_, &about), 0);
    return static_cast<std::size_t>(about.st_blocks) * 512;
  };
  ASSERT_EQ(request(some_bytes(large)), std::nullopt);
  worker_->rewind(2 * large);
  EXPECT_EQ(worker_->word(), control_word(1, phase::idle));
  EXPECT_GE(in_memory(), large);
  EXPECT_NEAR(static_cast<double>(worker_->kept()), large, 128 << 10);
  ASSERT_EQ(request(some_bytes(10)), std::nullopt);
  worker_->rewind(2 * large);
  EXPECT_GE(in_memory(), large) << "a small one between two large ones takes nothing away";
  worker_->give_back(1 << 20);
  EXPECT_LT(in_memory(), large - (1 << 20) + (128 << 10));
  ASSERT_EQ(request(some_bytes(large)), std::nullopt);
  worker_->rewind(0);
  EXPECT_EQ(worker_->kept(), 0U);
  EXPECT_LE(in_memory(), std::size_t{128} << 10);
}

// Where a guest has memory behind the end of its file, a look at it would be a SIGBUS in the host.
TEST_F(WorkerHandle, LooksAtNoMemoryBehindTheEndOfTheFile) {
  constexpr std::size_t large = 4 << 20;
  ASSERT_EQ(::fallocate(block_, FALLOC_FL_KEEP_SIZE, payload_offset + first_payload, large), 0);
  worker_->control().result.kind = static_cast<std::uint32_t>(result_kind::value);
  worker_->control().result.size = large / 2;
  EXPECT_FALSE(worker_->read_result({}));
  worker_->rewind(2 * large);
  EXPECT_EQ(worker_->kept(), 0U);
  ASSERT_EQ(request(some_bytes(large / 2)), std::nullopt);
  std::byte last{};
  ASSERT_EQ(::pread(block_, &last, 1, payload_offset + large / 2 - 1), 1);
  EXPECT_EQ(last, std::byte{7}) << "the control: what is written makes the file longer";
}

TEST_F(WorkerHandle, WritesLargeArgumentsInPlaceOnceTheirMemoryIsThere) {
  constexpr std::size_t large = 4 << 20;
  for (int round = 0; round < 3; ++round) {
    auto arguments = some_bytes(large - static_cast<std::size_t>(round));
    arguments[0] = arguments[large - 10] = std::byte(round);
    ASSERT_EQ(request(std::move(arguments)), std::nullopt);
    std::byte first{}, last{};
    ASSERT_EQ(::pread(block_, &first, 1, payload_offset), 1);
    ASSERT_EQ(::pread(block_, &last, 1, payload_offset + large - 10), 1);
    EXPECT_EQ(first, std::byte(round));
    EXPECT_EQ(last, std::byte(round));
    worker_->rewind(2 * large);
  }
}

TEST_F(WorkerHandle, ChangesItsWordOnlyFromWhatItWas) {
  EXPECT_FALSE(worker_->change_word(control_word(0, phase::running), control_word(0, phase::committed)));
  EXPECT_TRUE(worker_->change_word(control_word(0, phase::idle), control_word(0, phase::running)));
  EXPECT_EQ(worker_->word().at(), phase::running);
}

TEST_F(WorkerHandle, AskingWritesTheReasonBeforeTheGeneration) {
  worker_->ask(5, reason::shutdown{});
  EXPECT_EQ(worker_->control().asked.generation, 5U);
  EXPECT_EQ(worker_->control().asked.kind, cancel_reason(reason::shutdown{}).index());
}

TEST_F(WorkerHandle, AskingTurnsTheWordOfAChannelThatWaitsForRoom) {
  worker_->control().channels[0].room = channel_word::waits;
  worker_->ask(5, reason::user{});
  EXPECT_EQ(worker_->control().channels[0].room, channel_word::waits | channel_word::asked);
  EXPECT_EQ(worker_->control().channels[1].room, 0U);
}

TEST_F(WorkerHandle, APrewakeMovesItsCounterOn) {
  worker_->prewake();
  worker_->prewake();
  EXPECT_EQ(worker_->control().prewoken, 2U);
}

TEST_F(WorkerHandle, TellsUsageAsTheWorkerClaimsItWithinReason) {
  worker_->control().result.cpu_us = ~std::uint64_t{0};
  worker_->control().result.largest_rss = 3;
  worker_usage usage;
  worker_->read_usage(usage);
  EXPECT_GT(usage.cpu, 0ns) << "no claim overflows";
  EXPECT_EQ(usage.largest_rss, 3 * 1024U);
}

TEST_F(WorkerHandle, ReadsABacktraceOfSixteenKibibytesAtMost) {
  EXPECT_EQ(worker_->read_backtrace(), "");
  const std::string text = "frame 0\nframe 1\n";
  ASSERT_EQ(::pwrite(block_, text.data(), text.size(), payload_offset), static_cast<ssize_t>(text.size()));
  worker_->control().crash.trace_size = text.size();
  EXPECT_EQ(worker_->read_backtrace(), text);
  worker_->control().crash.trace_size = ~0U;
  EXPECT_EQ(worker_->read_backtrace().size(), 16U * 1024);
}

TEST_F(WorkerHandle, HasAThirdDescriptorForTheZygoteWhenItsOutputIsCaptured) {
  EXPECT_EQ(worker_->descriptors_for_zygote().size(), 2U);
  const auto captured = worker_handle::make(2, make_group(), worker_output::captured);
  EXPECT_EQ(captured->descriptors_for_zygote().size(), 3U);
  captured->close_far_ends();
  EXPECT_EQ(captured->descriptors_for_zygote().back(), -1);
}

}  // namespace
}  // namespace workit::test
