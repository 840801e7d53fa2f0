// Putting the page together.
#include "page.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>

#include "amount.hpp"
#include "charts.hpp"
#include "judge.hpp"
#include "svg.hpp"

namespace workit::bench_report {
namespace {

/// Units as the page writes them.
std::string shown(std::string text) {
  for (auto at = text.find(" us"); at != std::string::npos; at = text.find(" us", at + 1)) text.replace(at, 3, " µs");
  if (text.ends_with(" x")) text.replace(text.size() - 2, 2, " ×");
  for (const auto& [plain, sign] : {std::pair{"<= ", "≤ "}, {">= ", "≥ "}})
    if (text.starts_with(plain)) text.replace(0, 3, sign);
  return escaped(text);
}

std::string cell(const std::string& text, const std::string& heading) {
  return "<td class=\"n\" data-head=\"" + heading + "\">" + shown(text) + "</td>";
}

/// How much of the limit is used, up to twice the limit, which is marked.
std::string used_bar(double used) {
  svg picture(140, 12, "used " + three_digits(100 * used) + " % of the limit");
  picture.rectangle({0, 4}, 140, 4, "used-track");
  picture.rectangle({0, 4}, std::max(1.0, 70 * std::min(used, 2.0)), 4, "used-bar");
  picture.line({70, 0}, {70, 12}, "used-limit");
  return picture.done();
}

std::string target_row(const judgement& j) {
  const bool is_short = j.verdict == verdict::falls_short;
  const std::string names = escaped(j.series) + (j.beside.empty() ? "" : " against " + escaped(j.beside));
  return std::string(is_short ? "<tr class=\"short\">" : "<tr>") + "<td>" + escaped(j.title) + ", " +
         std::string(to_string(j.statistic)) + "<span class=\"series\">" + names + "</span></td>" +
         cell(j.figure, "figure") + cell(j.beside_figure, "beside") + cell(j.ratio, "ratio") +
         cell(j.target, "target") + "<td class=\"used\">" + used_bar(j.used) + "</td><td class=\"verdict\">" +
         (is_short ? "falls short" : "holds") + "</td></tr>\n";
}

std::string targets_section(const std::vector<judgement>& rows) {
  const auto count = [&](verdict v) {
    return std::count_if(rows.begin(), rows.end(), [&](auto& j) { return j.verdict == v; });
  };
  const auto item = [&](verdict v, const char* css, const char* words) {
    return "<li class=\"" + std::string(count(v) > 0 ? css : "quiet") + "\"><b>" + std::to_string(count(v)) + "</b>" +
           words + "</li>";
  };
  std::string html = "<ul class=\"counts\">" + item(verdict::falls_short, "bad", "targets fall short") +
                     item(verdict::holds, "good", "hold") + item(verdict::not_measured, "quiet", "not measured") +
                     "</ul>\n";
  html +=
      "<h2>Targets</h2>\n<p class=\"quiet\">Each figure beside the floor of the same run, or an absolute limit. The "
      "bar is how much "
      "of what is allowed is used up; the mark in its middle is the limit.</p>\n"
      "<table class=\"targets\"><thead><tr><th>what</th><th class=\"n\">figure</th><th class=\"n\">beside</th>"
      "<th class=\"n\">ratio</th><th class=\"n\">target</th><th>of the limit</th><th></th></tr></thead><tbody>\n";
  std::string absent;
  for (const judgement& j : rows)
    if (j.verdict == verdict::not_measured)
      absent += "<li>" + escaped(j.title) + ", " + std::string(to_string(j.statistic)) + ": <span class=\"quiet\">" +
                escaped(j.why) + "</span></li>\n";
    else
      html += target_row(j);
  html += "</tbody></table>\n";
  if (!absent.empty()) html += "<h2>Not measured</h2>\n<ul class=\"reasons\">\n" + absent + "</ul>\n";
  return html;
}

std::string section(const std::string& title, const std::string& words, const std::string& content) {
  if (content.empty()) return "";
  return "<section>\n<h2>" + title + "</h2>\n<p class=\"quiet\">" + words + "</p>\n" + content + "</section>\n";
}

std::string all_series(const run& r) {
  constexpr statistic columns[] = {statistic::p50, statistic::p90, statistic::p99, statistic::p999, statistic::worst};
  std::string html = "<details><summary>All " + std::to_string(r.series.size()) +
                     " series</summary>\n<div class=\"scroll\"><table><thead><tr><th>series</th><th class=\"n\">n</th>";
  for (const statistic what : columns) html += "<th class=\"n\">" + std::string(to_string(what)) + "</th>";
  html += "<th>floor</th></tr></thead><tbody>\n";
  for (const series& s : r.series) {
    const distribution samples(s);
    html += "<tr><td>" + escaped(s.name) + "</td><td class=\"n\">" + std::to_string(samples.size()) + "</td>";
    for (const statistic what : columns) {
      const auto value = samples.at(what);
      html += "<td class=\"n\">" + (value ? shown(amount(*value, s.unit)) : std::string("–")) + "</td>";
    }
    html += "<td>" + escaped(s.floor.value_or("")) + "</td></tr>\n";
  }
  return html + "</tbody></table></div></details>\n";
}

std::string skipped_list(const run& r) {
  if (r.skipped.empty()) return "";
  std::string html = "<h2>Skipped</h2>\n<ul class=\"reasons\">\n";
  for (const skipped& s : r.skipped)
    html += "<li>" + escaped(s.name) + ": <span class=\"quiet\">" + escaped(s.why) + "</span></li>\n";
  return html + "</ul>\n";
}

}  // namespace

std::string page(const run& r) {
  std::string facts;
  for (const auto& fact : machine_facts(r)) facts += (facts.empty() ? "" : " · ") + escaped(fact);
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         // Without an icon of its own a browser asks the server for one.
         "<link rel=\"icon\" href=\"data:,\">\n<title>workit: how fast work stops</title>\n<style>" +
         std::string(style()) + "</style>\n</head>\n<body>\n<h1>How fast work stops</h1>\n<p class=\"quiet\">" + facts +
         "</p>\n" + targets_section(judge(r)) +
         section("Stops, from the request",
                 "How large a share of the stops was done within a time. The floor is what the kernel alone takes; "
                 "peers are "
                 "measured in the same run. Where a caller goes on before the victim’s last instruction, it has only "
                 "stopped waiting.",
                 curves(r)) +
         section("One stop",
                 "Medians of a spinning victim, each step from the end of the one before; dashes reach to p99, and the "
                 "diamond is "
                 "the floor.",
                 timelines(r)) +
         section("Memory of the victim", "Median of a stop at the process boundary.", memory_chart(r)) +
         skipped_list(r) +
         "<h2>Raw figures</h2>\n<p class=\"quiet\">Percentiles by nearest rank over all rounds; – where there are too "
         "few "
         "samples.</p>\n" +
         all_series(r) + "</body>\n</html>\n";
}

void write_page(const run& r, const std::filesystem::path& file) {
  std::ofstream to(file, std::ios::binary);
  if (!(to << page(r) << std::flush)) throw bad_input("cannot write " + file.string() + ": " + std::strerror(errno));
}

}  // namespace workit::bench_report
