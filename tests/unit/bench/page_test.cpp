// The page: complete, alone and safe to open.
#include <gtest/gtest.h>

#include <report/page.hpp>
#include <report/svg.hpp>

#include "example_run.hpp"

namespace workit::bench_report {
namespace {

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(Page, NeedsNoNetworkAndNoScript) {
  const std::string html = page(test::example_run(1));
  EXPECT_EQ(count(html, "http"), 0u);
  EXPECT_EQ(count(html, "<script"), 0u);
  EXPECT_EQ(count(html, "url("), 0u);
  EXPECT_EQ(count(html, "nan"), 0u);
  EXPECT_GE(count(html, "<svg"), 6u);
  for (const char* tag : {"svg", "table", "figure", "div", "section", "details", "tr", "td", "ul", "li", "p"})
    EXPECT_EQ(count(html, '<' + std::string(tag) + '>') + count(html, '<' + std::string(tag) + ' '),
              count(html, "</" + std::string(tag) + '>'))
        << tag;
}

TEST(Page, ShowsNamesAsTextAndNotAsMarkup) {
  run r = test::example_run(1);
  r.skipped.push_back({"peer/<script>", "a & b"});
  const std::string html = page(r);
  EXPECT_EQ(count(html, "<script"), 0u);
  EXPECT_EQ(count(html, "peer/&lt;script&gt;"), 1u);
  EXPECT_EQ(count(html, "a &amp; b"), 1u);
}

TEST(Page, IsThereForARunOfAlmostNothing) {
  run r{.machines = {test::a_machine()}, .series = {}, .skipped = {}};
  EXPECT_EQ(count(page(r), "<figure"), 0u);
  r.series.push_back({"stop/process/spin/0MiB/idle/stopped", unit::microseconds, {}, {}, {{17}}});
  EXPECT_GE(count(page(r), "<figure"), 1u);
}

TEST(LabelPlaces, KeepOffOneAnother) {
  label_places places({0, 0, 200, 100});
  const point first = places.take({{10, 50}, {10, 90}}, "label"), second = places.take({{10, 50}, {10, 90}}, "label");
  EXPECT_EQ(first.y, 50);
  EXPECT_EQ(second.y, 90);
}

}  // namespace
}  // namespace workit::bench_report
