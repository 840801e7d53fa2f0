// The packets of the task channel: what goes in comes out, and what is malformed is refused.
#include <gtest/gtest.h>

#include <task_channel.hpp>
#include <workit/base/event.hpp>
#include <workit/workers/wire.hpp>

#include "socket_pair.hpp"

namespace workit::workers {
namespace {

/// How many packets that are cut anywhere, or one byte too long, decode() takes for one.
template <class Decode>
int malformed_taken(const bytes& whole, Decode decode) {
  int taken = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) taken += decode(std::span(whole.data(), size)) ? 1 : 0;
  return taken;
}

TEST(TaskChannel, CarriesProgressWithItsFields) {
  const field data[] = {{"step", std::int64_t{3}}, {"of", "training"}};
  const auto packet = encode(event::progress{.pct = 12.5, .message = "third", .data = data});
  const auto got = decode(packet);
  ASSERT_TRUE(got && std::holds_alternative<progress_message>(*got));
  const auto& progress = std::get<progress_message>(*got);
  EXPECT_EQ(progress.pct, 12.5);
  EXPECT_EQ(progress.message, "third");
  ASSERT_EQ(progress.data.size(), 2U);
  EXPECT_EQ(progress.data[0].name, "step");
  EXPECT_EQ(std::get<std::int64_t>(progress.data[0].value), 3);
  EXPECT_EQ(std::get<std::string>(progress.data[1].value), "training");
  const auto views = views_of(progress.data);
  EXPECT_EQ(views[1].name, "of");
  EXPECT_EQ(std::get<std::string_view>(views[1].value), "training");
  EXPECT_EQ(malformed_taken(packet, decode), 0);
}

TEST(TaskChannel, CarriesLogLinesAndCutsWhatIsTooLong) {
  const std::vector<field> many(100, field("n", true));
  const auto packet = encode(event::log{.level = log_level::warn, .message = std::string(20'000, 'x'), .data = many});
  EXPECT_LE(packet.size(), largest_packet);
  const auto got = decode(packet);
  ASSERT_TRUE(got && std::holds_alternative<log_message>(*got));
  const auto& line = std::get<log_message>(*got);
  EXPECT_EQ(line.level, log_level::warn);
  EXPECT_EQ(line.message.size(), 8U * 1024);
  EXPECT_EQ(line.data.size(), 32U);
}

TEST(TaskChannel, KnowsNoLevelAboveError) {
  auto packet = encode(event::log{.level = log_level::error, .message = "m"});
  packet[4] = std::byte{200};  // behind the kind
  const auto got = decode(packet);
  ASSERT_TRUE(got);
  EXPECT_EQ(std::get<log_message>(*got).level, log_level::error);
}

TEST(TaskChannel, CarriesQuestionsAboutBudgetsAndTheirAnswers) {
  const charges_message question{.question = 7, .only_look = true, .parts = {{"tokens", 50, 2}}};
  const auto packet = encode(question);
  const auto got = decode(packet);
  ASSERT_TRUE(got && std::holds_alternative<charges_message>(*got));
  const auto& asked = std::get<charges_message>(*got);
  EXPECT_EQ(asked.question, 7U);
  EXPECT_TRUE(asked.only_look);
  ASSERT_EQ(asked.parts.size(), 1U);
  EXPECT_EQ(asked.parts[0].key, "tokens");
  EXPECT_EQ(asked.parts[0].units, 50);
  EXPECT_EQ(asked.parts[0].digits, 2U);
  EXPECT_EQ(malformed_taken(packet, decode), 0);

  const auto answer = encode(charge_answer{.question = 7,
                                           .decided = charge_answer::verdict::refused,
                                           .key = "tokens",
                                           .unit = "tok",
                                           .digits = 2,
                                           .limit = 1,
                                           .spent = 2,
                                           .attempted = 3});
  const auto read = decode_answer(answer);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->decided, charge_answer::verdict::refused);
  EXPECT_EQ(read->unit, "tok");
  EXPECT_EQ(read->limit, 1);
  EXPECT_EQ(read->spent, 2);
  EXPECT_EQ(read->attempted, 3);
  EXPECT_EQ(malformed_taken(answer, decode_answer), 0);
  EXPECT_FALSE(decode(answer)) << "a worker does not answer";
  EXPECT_FALSE(decode_answer(packet)) << "a host does not ask";
}

TEST(TaskChannel, CarriesAPartOfAValueInFrontOfItsBytes) {
  bytes packet;
  begin_part(packet, {.generation = 5, .place = 1, .size = 100, .offset = 40});
  std::span<const std::byte> empty(packet.data(), packet.size());
  EXPECT_FALSE(decode_part(empty)) << "a part has a byte at least";
  packet.append("abc", 3);
  std::span<const std::byte> rest(packet.data(), packet.size());
  const auto part = decode_part(rest);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->generation, 5U);
  EXPECT_EQ(part->place, 1U);
  EXPECT_EQ(part->size, 100U);
  EXPECT_EQ(part->offset, 40U);
  ASSERT_EQ(rest.size(), 3U);
  EXPECT_EQ(rest[2], std::byte{'c'});
  EXPECT_FALSE(decode({packet.data(), packet.size()}));
  const auto other = encode(charges_message{.parts = {{"a long key, so that the size is no reason to refuse", 0, 0}}});
  std::span<const std::byte> another(other.data(), other.size());
  EXPECT_FALSE(decode_part(another));
}

TEST(TaskChannel, CarriesSharedBuffersOfAGeneration) {
  test::socket_pair sockets;
  const auto block = std::make_shared<shared_block>(64);
  block->data()[3] = std::byte{42};
  block->seal();
  EXPECT_FALSE(receive(sockets.host.get())) << "none was sent";
  ASSERT_EQ(send_blocks(sockets.worker.get(), 9, {block}), 0);
  auto got = receive(sockets.host.get());
  ASSERT_TRUE(got);
  const auto message = decode(got->content);
  ASSERT_TRUE(message && std::holds_alternative<blocks_message>(*message));
  EXPECT_EQ(std::get<blocks_message>(*message).generation, 9U);
  attachments taken;
  take_blocks(std::move(got->descriptors), taken);
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0]->size(), 64U);
  EXPECT_EQ(taken[0]->data()[3], std::byte{42});
}

TEST(TaskChannel, RefusesABufferThatCanStillChange) {
  test::socket_pair sockets;
  ASSERT_EQ(send_blocks(sockets.worker.get(), 9, {std::make_shared<shared_block>(64)}), 0);
  auto got = receive(sockets.host.get());
  ASSERT_TRUE(got);
  attachments taken;
  EXPECT_THROW(take_blocks(std::move(got->descriptors), taken), wire_error);
}

cancel_reason through_the_block(const cancel_reason& why) {
  control_block::reason_fields fields;
  write_reason(fields, why);
  return read_reason(fields);
}

TEST(TaskChannel, KeepsTheReasonOfAStop) {
  const deadline_point at{time_point{duration{12345}}};
  EXPECT_EQ(std::get<reason::user>(through_the_block(reason::user{"enough"})).message, "enough");
  EXPECT_EQ(std::get<reason::deadline>(through_the_block(reason::deadline{.at = at})).at.at(), at.at());
  EXPECT_EQ(std::get<reason::timeout>(through_the_block(reason::timeout{duration{77}})).limit, duration{77});
  EXPECT_EQ(std::get<reason::sibling_failed>(through_the_block(reason::sibling_failed{.name = "db"})).name, "db");
  EXPECT_EQ(std::get<reason::budget>(through_the_block(reason::budget{.key = "tokens"})).key, "tokens");
  EXPECT_EQ(std::get<reason::manual>(through_the_block(reason::manual{.tag = "gone"})).tag, "gone");
  for (const cancel_reason& plain : {cancel_reason(reason::parent_failed{}), cancel_reason(reason::race_lost{}),
                                     cancel_reason(reason::scope_ended{}), cancel_reason(reason::shutdown{})})
    EXPECT_EQ(kind_of(through_the_block(plain)), kind_of(plain));
}

TEST(TaskChannel, CutsTheTextOfAReason) {
  EXPECT_EQ(std::get<reason::user>(through_the_block(reason::user{std::string(500, 'x')})).message,
            std::string(199, 'x'));
}

}  // namespace
}  // namespace workit::workers
