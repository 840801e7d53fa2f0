// process_service without a pool: whom it finds, what it refuses, and the warden that services share.
#include <gtest/gtest.h>

#include <vector>
#include <workit/base/errors.hpp>
#include <workit/preempt/warden.hpp>
#include <workit/scope/runtime.hpp>
#include <workit/workers/processes.hpp>

namespace workit::test {
namespace {

std::string refusal_of(const auto& act) {
  try {
    act();
  } catch (const start_failed& e) {
    return e.what();
  }
  return {};
}

TEST(ProcessService, OfARuntimeWithoutOneIsAskedFor) {
  runtime rt(runtime_options{});
  EXPECT_EQ(find_pool(rt, "rank"), nullptr);
  EXPECT_NE(refusal_of([&] { open_pool(rt, {.name = "rank"}); }).find("make the runtime with workit::processes("),
            std::string::npos);
}

TEST(ProcessService, FindsAndClosesNoPoolThatItDoesNotHave) {
  runtime rt({}, processes_later());
  EXPECT_EQ(find_pool(rt, "rank"), nullptr);
  EXPECT_EQ(find_pool(rt, ""), nullptr);
  EXPECT_NE(refusal_of([&] { close_pool(rt, "rank"); }).find("no pool of processes called \"rank\""),
            std::string::npos);
}

TEST(ProcessService, ForgetsAPoolThatCouldNotBeStarted) {
  runtime rt({}, processes_later());
  EXPECT_NE(refusal_of([&] { open_pool(rt, {.name = "rank", .workers = 5000}); }), "");
  EXPECT_EQ(find_pool(rt, "rank"), nullptr);
}

TEST(ProcessService, SharesOneWardenWithTheOthersOfItsRuntime) {
  runtime rt({}, processes_later(), processes_later());
  std::vector<const preempt::warden*> wardens;
  static_cast<void>(rt.find_service<workit::detail::warden_service>([&](const workit::detail::warden_service& s) {
    wardens.push_back(&s.warden());
    return false;
  }));
  ASSERT_EQ(wardens.size(), 2U);
  EXPECT_EQ(wardens[0], wardens[1]);
  EXPECT_EQ(static_cast<const alarm*>(wardens[0]), rt.warden());
}

TEST(ProcessPool, RefusesOptionsThatCannotBe) {
  preempt::warden warden;
  const auto refusal = [&](process_options options, std::vector<int> loops = {0}) {
    return refusal_of([&] { workers::process_pool(std::move(options), warden, std::move(loops), {}); });
  };
  EXPECT_NE(refusal({.name = ""}).find("needs a name"), std::string::npos);
  EXPECT_NE(refusal({.name = std::string(65, 'n')}).find("at most 64 characters"), std::string::npos);
  EXPECT_NE(refusal({.name = "p"}, {}).find("at least one descriptor"), std::string::npos);
  EXPECT_NE(refusal({.name = "p"}, std::vector<int>(200, 0)).find("199 descriptors"), std::string::npos);
  EXPECT_NE(refusal({.name = "p", .workers = 1025}).find("1024 workers"), std::string::npos);
  EXPECT_NE(refusal({.name = "p", .workers = 1, .min_workers = 2}).find("min_workers"), std::string::npos);
  EXPECT_EQ(refusal({.name = "p", .workers = 1}), "");
}

}  // namespace
}  // namespace workit::test
