// Calls that are refused before anything runs, and a host's answers to a worker's charges.
#include <gtest/gtest.h>

#include <answer_charges.hpp>
#include <support/fixture.hpp>
#include <workit/base/errors.hpp>
#include <workit/workers/offload.hpp>

namespace workit::test {
namespace {

using namespace std::chrono_literals;

/// What is said to a call with such options; empty when they are taken.
std::string refusal(offload_options options) {
  try {
    static_cast<void>(offload(std::move(options), [] {}));
    return {};
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
}

TEST(OffloadOptions, ThatContradictEachOtherAreRefused) {
  EXPECT_EQ(refusal({}), "");
  EXPECT_EQ(refusal({.timeout = 0ms}), "") << "it comes from a request, and is over when the call is made";
  EXPECT_TRUE(refusal({.grace = -1ms}).starts_with("offload_options.grace is less than zero"));
  EXPECT_TRUE(refusal({.attempts = 0}).starts_with("offload_options.attempts is 0"));
  EXPECT_TRUE(refusal({.attempts = 2}).find("not declared idempotent") != std::string::npos);
  EXPECT_EQ(refusal({.idempotent = true, .attempts = 2}), "");
  EXPECT_TRUE(refusal({.boundary = boundary::fiber}).find("which is no worker boundary") != std::string::npos);
  EXPECT_TRUE(refusal({.boundary = boundary::cooperative, .priority = task_priority::high}).find("an arena has none") !=
              std::string::npos);
  EXPECT_TRUE(refusal({.boundary = boundary::thread, .limits = {.files = 1}}).find("boundary::process") !=
              std::string::npos);
  EXPECT_TRUE(refusal({.limits = {.processes = 1}}).find("only a pool") != std::string::npos);
}

class WithoutPools : public runtime_test {};

TEST_F(WithoutPools, ACallSaysWhichServiceIsMissing) {
  runtime rt;
  const auto said = [&](offload_options options) {
    try {
      rt.run([&](scope& s) { offload(std::move(options), [] {})(s); });
    } catch (const start_failed& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_NE(said({}).find("workit::processes("), std::string::npos);
  EXPECT_NE(said({.pool = "large"}).find("no pool of processes called \"large\""), std::string::npos);
  EXPECT_NE(said({.boundary = boundary::thread}).find("workit::threads("), std::string::npos);
  EXPECT_NE(said({.boundary = boundary::cooperative}).find("workit::arena("), std::string::npos);
}

using workers::answer_charges;
using workers::charges_message;
using verdict = workers::charge_answer::verdict;

const budget_key tokens("tokens", {.unit = "tok", .digits = 1});

class AnswerCharges : public runtime_test {};

TEST_F(AnswerCharges, ChargesTheBudgetsOfTheCaller) {
  runtime rt;
  rt.run({.budgets = {{tokens, 10}}}, [](scope& s) {
    const auto charged = answer_charges(s, {.question = 4, .parts = {{"tokens", 25, 1}}});
    EXPECT_EQ(charged.question, 4U);
    EXPECT_EQ(charged.decided, verdict::charged);
    EXPECT_EQ(s.budget(tokens)->spent, amount(2.5));

    const auto looked = answer_charges(s, {.question = 5, .only_look = true, .parts = {{"tokens", 0, 1}}});
    EXPECT_EQ(looked.decided, verdict::charged);
    EXPECT_EQ(looked.unit, "tok");
    EXPECT_EQ(looked.limit, 100);
    EXPECT_EQ(looked.spent, 25);
    EXPECT_EQ(s.budget(tokens)->spent, amount(2.5)) << "a look costs nothing";
  });
}

TEST_F(AnswerCharges, SaysWhyAChargeIsRefused) {
  runtime rt;
  rt.run({.budgets = {{tokens, 10}}}, [](scope& s) {
    const auto refused = answer_charges(s, {.parts = {{"tokens", 101, 1}}});
    EXPECT_EQ(refused.decided, verdict::refused);
    EXPECT_EQ(refused.key, "tokens");
    EXPECT_EQ(refused.limit, 100);
    EXPECT_EQ(refused.attempted, 101);
    EXPECT_EQ(answer_charges(s, {.parts = {{"calls", 1, 0}}}).decided, verdict::not_set);
    EXPECT_EQ(answer_charges(s, {.parts = {{"tokens", 1, 0}}}).decided, verdict::invalid) << "other digits";
    EXPECT_EQ(answer_charges(s, {.parts = {{"tokens", -1, 1}}}).decided, verdict::invalid);
  });
}

}  // namespace
}  // namespace workit::test
