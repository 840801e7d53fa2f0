// report(): progress, and what it allocates.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <support/fixture.hpp>
#include <workit/base/event.hpp>
#include <workit/scope/runtime.hpp>

namespace {

thread_local std::size_t allocations = 0;

}  // namespace

// Counts, for the whole program; that is why it is here and not in a function of the fixture.
void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class Report : public test::runtime_test {};

template <class F>
std::size_t allocations_of(F&& f) {
  const auto before = allocations;
  f();
  return allocations - before;
}

TEST_F(Report, BecomesAnEventWithWhatWasSaidAndNoMore) {
  manual_runtime rt;
  std::vector<event::progress> heard;
  std::vector<std::string> words;
  std::int64_t rows = 0;
  rt.run([&](scope& s) {
    s.on_event([&](const lifecycle_event& e) {
       const auto* said = std::get_if<event::progress>(&e.body);
       if (said == nullptr) return;
       EXPECT_EQ(e.name, "parse");
       EXPECT_EQ(kind_of(e), "progress");
       heard.push_back(*said);
       if (said->message) words.emplace_back(*said->message);
       if (!said->data.empty()) rows = std::get<std::int64_t>(said->data[0].value);
     }).keep();
    s.spawn({.name = "parse"}, [](context& ctx) {
       ctx.report({.pct = 0.5});
       ctx.report({.message = "parsed"});
       ctx.report({.pct = 1, .message = "done", .data = {{"rows", 10}, {"table", "users"}}});
       ctx.report({});
     }).get();
  });
  ASSERT_EQ(heard.size(), 4U);
  EXPECT_EQ(heard[0].pct, 0.5);
  EXPECT_FALSE(heard[0].message.has_value());
  EXPECT_TRUE(heard[0].data.empty());
  EXPECT_FALSE(heard[1].pct.has_value());
  EXPECT_EQ(heard[2].pct, 1);
  EXPECT_EQ(heard[2].data.size(), 2U);
  EXPECT_EQ(rows, 10);
  EXPECT_FALSE(heard[3].pct.has_value());
  EXPECT_EQ(words, (std::vector<std::string>{"parsed", "done"}));
}

TEST_F(Report, StaysOnTheTaskForSnapshots) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    auto t = s.spawn([](context& ctx) {
      EXPECT_EQ(ctx.node().said(), nullptr);
      ctx.sleep_for(1h);
      ctx.report({.pct = 0.25, .message = std::string("reading")});
      const auto& said = *ctx.node().said();
      EXPECT_EQ(said.pct, 0.25);
      EXPECT_EQ(said.message, "reading");
      EXPECT_EQ(said.at, ctx.now());
      ctx.report({.pct = 0.75});
      EXPECT_EQ(said.pct, 0.75);
      EXPECT_FALSE(said.message.has_value()) << "the last report, not a mixture";
    });
    t.get();
  });
}

TEST_F(Report, AllocatesOnceWithoutListeners) {
  manual_runtime rt;
  rt.run([](scope& s) {
    const auto report = [&s] {
      for (int i = 0; i < 100; ++i)
        s.report({.pct = i / 100.0, .message = "a message that is too long for a small string", .data = {{"i", i}}});
    };
    EXPECT_GT(allocations_of(report), 0U);
    EXPECT_EQ(allocations_of(report), 0U);
    s.on_event([](const lifecycle_event&) {}).keep();
    EXPECT_GT(allocations_of(report), 0U) << "the control arm: the count sees what a listener costs";
  });
}

TEST_F(Report, OfALogAllocatesNothingWithoutListeners) {
  manual_runtime rt;
  rt.run([](scope& s) {
    const auto log = [&s] { s.log(log_level::info, "a message that is too long for a small string", {{"i", 1}}); };
    EXPECT_EQ(allocations_of(log), 0U);
    EXPECT_EQ(s.node().said(), nullptr);
    s.on_event([](const lifecycle_event&) {}).keep();
    EXPECT_GT(allocations_of(log), 0U) << "the control arm";
  });
}

}  // namespace
}  // namespace workit
