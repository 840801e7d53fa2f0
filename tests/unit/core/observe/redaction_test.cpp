// redaction: fields removed or hidden by name.
#include <gtest/gtest.h>

#include <random>
#include <support/refused.hpp>
#include <support/seed.hpp>
#include <workit/observe/redaction.hpp>

namespace workit {
namespace {

using verdict = redaction::verdict;

TEST(OwnedFields, OwnTheTextOfEveryKindOfValue) {
  owned_fields kept;
  {
    const std::string gone = "text";
    kept = keep({{"b", true}, {"i", -7}, {"u", 7u}, {"d", 0.5}, {"s", gone}});
  }
  EXPECT_EQ(kept, (owned_fields{{"b", "true"}, {"i", "-7"}, {"u", "7"}, {"d", "0.5"}, {"s", "text"}}));
}

TEST(Redaction, HidesSecretsByDefaultWhateverTheirSpelling) {
  const redaction r;
  for (const auto* name : {"authorization", "Authorization", "cookie", "password", "PASSWD", "secret", "token",
                           "apiKey", "api_key", "API-KEY", "accessToken", "access_token", "refreshToken"})
    EXPECT_EQ(r.of(name), verdict::hidden) << name;
  for (const auto* name : {"tokens", "token_count", "author", "secretary", "rows", ""})
    EXPECT_EQ(r.of(name), verdict::shown) << name;
}

TEST(Redaction, LooksAtEveryPartOfAPath) {
  const redaction r({.remove = {"stack_trace"}});
  EXPECT_EQ(r.of("request.headers.cookie"), verdict::hidden);
  EXPECT_EQ(r.of("user.password.length"), verdict::hidden) << "all below it";
  EXPECT_EQ(r.of("password.stackTrace"), verdict::removed) << "removal goes before";
  EXPECT_EQ(r.of("request.cookies"), verdict::shown);
  EXPECT_EQ(r.of(".token"), verdict::hidden);
  EXPECT_EQ(redaction({.remove = {"user.email"}}).of("User.E_mail"), verdict::removed) << "a whole path may be named";
}

TEST(Redaction, ShowsNoValueThatIsTooDeep) {
  EXPECT_EQ(redaction().of("1.2.3.4.5.6.7.8"), verdict::shown);
  EXPECT_EQ(redaction().of("1.2.3.4.5.6.7.8.9"), verdict::too_deep);
  EXPECT_EQ(redaction({.depth = 1}).of("a.b"), verdict::too_deep);
  EXPECT_EQ(redaction({.depth = 1}).of("a.token"), verdict::hidden);
}

TEST(Redaction, ChangesFieldsAndNotTheirOrder) {
  owned_fields data{{"rows", "10"}, {"Token", "abc"}, {"debug", "x"}, {"a.b.c", "deep"}, {"message", "token=abc"}};
  redaction({.remove = {"debug"}, .depth = 2}).apply(data);
  EXPECT_EQ(data,
            (owned_fields{{"rows", "10"}, {"Token", "[redacted]"}, {"a.b.c", "[max-depth]"}, {"message", "token=abc"}}))
      << "free text is not looked into";
}

TEST(Redaction, HidesNothingWhenToldSo) {
  owned_fields data{{"token", "abc"}};
  redaction({.hide = {}}).apply(data);
  EXPECT_EQ(data, (owned_fields{{"token", "abc"}}));
}

// Random paths of few parts, against a naive implementation of the rule.
TEST(Redaction, AgreesWithItsRuleOnRandomPaths) {
  const auto seed = test::seed();
  std::mt19937_64 random(seed);
  const std::vector<std::string> parts{"a", "b", "to_ken", "TOKEN", "gone", "Go-ne", ""};
  const redaction r({.hide = {"token"}, .remove = {"gone"}, .depth = 3});
  std::array<int, 4> seen{};
  for (int i = 0; i < 2000; ++i) {
    const auto length = 1 + random() % 5;
    bool hidden = false, removed = false;
    std::string path;
    for (std::size_t p = 0; p < length; ++p) {
      const auto which = random() % parts.size();
      hidden |= which == 2 || which == 3;
      removed |= which == 4 || which == 5;
      path += (p != 0 ? "." : "") + parts[which];
    }
    const auto expected = removed      ? verdict::removed
                          : hidden     ? verdict::hidden
                          : length > 3 ? verdict::too_deep
                                       : verdict::shown;
    ASSERT_EQ(r.of(path), expected) << path << ", seed " << seed;
    ++seen[static_cast<std::size_t>(expected)];
  }
  for (const auto n : seen) EXPECT_GT(n, 0);
}

TEST(RedactionOptions, RefusesWhatCannotBe) {
  EXPECT_REFUSED(redaction({.hide = {"token", "_"}}), "\"_\" is no name of a field");
  EXPECT_REFUSED(redaction({.remove = {""}}), "is no name of a field");
  EXPECT_REFUSED(redaction({.depth = 0}), "depth is 0; it may be 1 to 64");
  EXPECT_REFUSED(redaction({.depth = 65}), "depth is 65");
}

}  // namespace
}  // namespace workit
