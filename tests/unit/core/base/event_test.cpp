// Lifecycle events: their names.
#include <gtest/gtest.h>

#include <workit/base/event.hpp>

namespace workit {
namespace {

TEST(Event, HasAWordForEveryKind) {
  const event_body all[] = {event::scope_opened{},       event::scope_closing{},  event::scope_closed{},
                            event::task_started{},       event::task_succeeded{}, event::task_failed{},
                            event::task_cancelled{},     event::cleanup_failed{}, event::cleanup_timed_out{},
                            event::loser_unresponsive{}, event::stop_ignored{},   event::task_attempt{},
                            event::task_retrying{},      event::progress{},       event::log{},
                            event::telemetry_exhausted{}};
  const char* words[] = {
      "scope_opened",       "scope_closing",  "scope_closed",   "task_started",      "task_succeeded",
      "task_failed",        "task_cancelled", "cleanup_failed", "cleanup_timed_out", "loser_unresponsive",
      "stop_ignored",       "task_attempt",   "task_retrying",  "progress",          "log",
      "telemetry_exhausted"};
  ASSERT_EQ(std::size(all), std::variant_size_v<event_body>);
  for (std::size_t i = 0; i < std::size(all); ++i) EXPECT_EQ(kind_of(lifecycle_event{1, "x", {}, all[i]}), words[i]);
}

TEST(LogLevel, HasAWordForEach) {
  EXPECT_EQ(to_string(log_level::debug), "debug");
  EXPECT_EQ(to_string(log_level::info), "info");
  EXPECT_EQ(to_string(log_level::warn), "warn");
  EXPECT_EQ(to_string(log_level::error), "error");
}

}  // namespace
}  // namespace workit
