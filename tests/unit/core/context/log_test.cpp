// log(): events with a level, a message and fields.
#include <gtest/gtest.h>

#include <stdexcept>
#include <support/fixture.hpp>
#include <vector>
#include <workit/base/event.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using test::manual_runtime;

class Log : public test::runtime_test {};

TEST_F(Log, BecomesEventsAndNothingElse) {
  manual_runtime rt;
  std::vector<std::string> lines;
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  rt.run([&](scope& s) {
    s.on_event([&](const lifecycle_event& e) {
       if (const auto* line = std::get_if<event::log>(&e.body)) {
         lines.push_back(std::string(e.name) + ' ' + std::string(to_string(line->level)) + ' ' +
                         std::string(line->message));
         for (const auto& f : line->data) lines.back() += ' ' + std::string(f.name);
       }
     }).keep();
    s.spawn({.name = "fetch"}, [](context& ctx) {
       ctx.log(log_level::debug, "begins");
       ctx.log(log_level::info, "fetched", {{"bytes", 10}, {"cached", false}});
       ctx.log(log_level::warn, "slow");
       ctx.log(log_level::error, "broken");
     }).get();
  });
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(lines, (std::vector<std::string>{"fetch debug begins", "fetch info fetched bytes cached", "fetch warn slow",
                                             "fetch error broken"}));
}

TEST_F(Log, IsHeardByTheRuntimesObserverToo) {
  int heard = 0;
  manual_runtime rt({.on_event = [&](const lifecycle_event& e) { heard += kind_of(e) == "log" ? 1 : 0; }});
  rt.run([](scope& s) { s.log(log_level::info, "from a scope"); });
  EXPECT_EQ(heard, 1);
}

TEST_F(Log, DoesNotFailWithItsObserver) {
  manual_runtime rt;
  rt.run([](scope& s) {
    s.on_event([](const lifecycle_event&) { throw std::runtime_error("observer"); }).keep();
    s.log(log_level::info, "line");
    s.report({.pct = 1});
  });
}

}  // namespace
}  // namespace workit
