// cancel_reason: its kinds and their descriptions.
#include <gtest/gtest.h>

#include <stdexcept>
#include <type_traits>
#include <vector>
#include <workit/base/reason.hpp>

namespace elsewhere {  // users write kind_of(why) and describe(why) without `workit::`
namespace {

std::string words_for(const workit::cancel_reason& why) { return std::string(kind_of(why)) + " | " + describe(why); }

}  // namespace
}  // namespace elsewhere

namespace workit {
namespace {

using namespace std::chrono_literals;

// A visitor of all kinds: leave one out and this file does not compile.
struct index_of {
  int operator()(const reason::user&) const { return 0; }
  int operator()(const reason::deadline&) const { return 1; }
  int operator()(const reason::timeout&) const { return 2; }
  int operator()(const reason::parent_failed&) const { return 3; }
  int operator()(const reason::sibling_failed&) const { return 4; }
  int operator()(const reason::race_lost&) const { return 5; }
  int operator()(const reason::budget&) const { return 6; }
  int operator()(const reason::scope_ended&) const { return 7; }
  int operator()(const reason::shutdown&) const { return 8; }
  int operator()(const reason::manual&) const { return 9; }
};

struct reason_case {
  cancel_reason why;
  std::string kind;
  std::string sentence;
};

std::vector<reason_case> every_reason() {
  return {{reason::user{}, "user", "user"},
          {reason::deadline{}, "deadline", "deadline passed"},
          {reason::timeout{50ms}, "timeout", "timeout of 50 ms"},
          {reason::parent_failed{}, "parent_failed", "the scope's body failed"},
          {reason::sibling_failed{7, "fetch", nullptr}, "sibling_failed", "sibling \"fetch\" failed"},
          {reason::race_lost{12}, "race_lost", "race lost to task 12"},
          {reason::budget{"tokens", 10, 11}, "budget", "budget \"tokens\" overrun"},
          {reason::scope_ended{}, "scope_ended", "the scope ended"},
          {reason::shutdown{}, "shutdown", "the runtime is shutting down"},
          {reason::manual{"client_disconnected", {}}, "manual", "manual: client_disconnected"}};
}

TEST(Reason, IsAClosedSetThatAVisitorCoversWhole) {
  const auto all = every_reason();
  ASSERT_EQ(all.size(), cancel_reason::kinds);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].why.index(), i);
    EXPECT_EQ(std::visit(index_of{}, all[i].why), static_cast<int>(i));
  }
}

TEST(Reason, HasAWordForItsKind) {
  for (const auto& r : every_reason()) EXPECT_EQ(kind_of(r.why), r.kind);
}

TEST(Reason, HasAPhraseForPeople) {
  for (const auto& r : every_reason()) EXPECT_EQ(describe(r.why), r.sentence);
  EXPECT_EQ(describe(reason::user{"pressed stop"}), "user: pressed stop");
}

TEST(Reason, IsFoundByArgumentDependentLookup) {
  EXPECT_EQ(elsewhere::words_for(reason::user{"pressed stop"}), "user | user: pressed stop");
}

TEST(Reason, CarriesWhatItsMakerPutIn) {
  const cancel_reason why = reason::manual{.tag = "quota", .data = std::string("42 left")};
  const cancel_reason copy = why;  // reasons are copied on their way down a tree
  EXPECT_EQ(std::any_cast<std::string>(std::get<reason::manual>(copy).data), "42 left");

  const auto error = std::make_exception_ptr(std::runtime_error("boom"));
  const cancel_reason failed = reason::sibling_failed{3, "a", error};
  EXPECT_EQ(std::get<reason::sibling_failed>(failed).error, error);
}

}  // namespace
}  // namespace workit
