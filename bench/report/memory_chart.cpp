// The time of a stop against the memory of its victim, with both axes logarithmic.
#include <algorithm>
#include <map>

#include "charts.hpp"
#include "distribution.hpp"
#include "judge.hpp"
#include "peers.hpp"
#include "svg.hpp"

namespace workit::bench_report {
namespace {

struct growth {
  std::string label;
  std::string css;
  std::string dashes;
  std::vector<point> medians;  // MiB, us; ascending
};

constexpr double tiny_mib = 2;  // where a victim without memory stands: a logarithmic axis has no zero

double median_us(const series& s) { return in_us(s, distribution(s).at(0.5)); }

/// All series of that beginning and end, whatever size stands between them.
growth by_size(const run& r, const std::string& begin, const std::string& end, growth of) {
  for (const series& s : r.series)
    if (s.name.starts_with(begin) && s.name.ends_with(end) &&
        s.name.size() == begin.size() + end.size() + std::to_string(static_cast<int>(memory_mib(s.name))).size())
      of.medians.push_back({memory_mib(s.name), median_us(s)});
  std::sort(of.medians.begin(), of.medians.end(), [](const point& a, const point& b) { return a.x < b.x; });
  return of;
}

/// Peers that were measured with several sizes, by their tags.
void add_peers(std::vector<growth>& all, const run& r) {
  std::map<std::string, std::vector<point>> sizes;
  for (const series& s : r.series)
    if (s.tag("subject") == "peer" && s.tag("event") == "caller_resumed" && !s.tag("memory_mib").empty())
      sizes[std::string(s.tag("peer"))].push_back({std::stod(std::string(s.tag("memory_mib"))), median_us(s)});
  constexpr std::string_view patterns[] = {"7 3", "2 2.5", "9 3 2 3", "5 2 1.5 2 1.5 2"};
  std::size_t i = 0;
  for (auto& [name, medians] : sizes) {
    if (medians.size() < 2) continue;
    std::sort(medians.begin(), medians.end(), [](const point& a, const point& b) { return a.x < b.x; });
    all.push_back({name, "peer" + std::to_string(i % 4), std::string(patterns[i % std::size(patterns)]), medians});
    ++i;
  }
}

std::vector<growth> all_growths(const run& r) {
  std::vector<growth> all = {
      by_size(r, "stop/process/spin/", "MiB/idle/stopped", {"workit, proven stopped", "ours", "", {}}),
      by_size(r, "stop/process/spin/", "MiB/idle/resumed", {"workit, scope resumed", "ours", "1 3", {}}),
      by_size(r, "floor/kill_to_reaped/", "MiB/idle", {"kill and wait for the reap", "floor", "4 2", {}})};
  add_peers(all, r);
  std::erase_if(all, [](const growth& g) { return g.medians.size() < 2; });
  return all;
}

std::string size_label(double mib) {
  if (mib == 0) return "tiny";
  return mib < 1024 ? std::to_string(static_cast<int>(mib)) + " MiB"
                    : std::to_string(static_cast<int>(mib / 1024)) + " GiB";
}

void add_axes(svg& picture, const std::vector<growth>& all, const log_axis& x, const log_axis& y, double left,
              double right, double bottom) {
  for (const double tick : y.ticks()) {
    picture.line({left, y.at(tick)}, {right, y.at(tick)}, "grid");
    picture.text({left - 5, y.at(tick) + 3.5}, tick_label(tick), "tick", "end");
  }
  std::map<double, bool> sizes;
  for (const growth& g : all)
    for (const point& p : g.medians) sizes[p.x] = true;
  for (const auto& [mib, shown] : sizes)
    picture.text({x.at(std::max(mib, tiny_mib)), bottom + 16}, size_label(mib), "tick", "middle");
}

std::string draw(const std::vector<growth>& all, double width) {
  const double height = 300, left = 52, right = width - 24, top = 10, bottom = height - 28;
  svg picture(width, height, "Time of a stop against the memory of its victim, both axes logarithmic");
  double low = 1e300, high = 1e-300, most = tiny_mib;
  for (const growth& g : all)
    for (const point& p : g.medians) low = std::min(low, p.y), high = std::max(high, p.y), most = std::max(most, p.x);
  const log_axis x(1, most, left, right), y(std::max(low, 0.1), high, bottom, top);
  add_axes(picture, all, x, y, left, right, bottom);
  label_places places({left, top, width, bottom});
  std::vector<std::vector<point>> lines;
  for (const growth& g : all) {
    lines.emplace_back();
    for (const point& p : g.medians) lines.back().push_back({x.at(std::max(p.x, tiny_mib)), y.at(p.y)});
    places.avoid(lines.back());
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    picture.path(lines[i], "curve " + all[i].css, all[i].dashes);
    for (const point& p : lines[i]) picture.circle(p, 3, "dot " + all[i].css);
    std::vector<point> candidates;
    for (const double above : {-8.0, 15.0})
      for (const point& p : lines[i])
        candidates.push_back({std::min(p.x, right - text_width(all[i].label)), p.y + above});
    std::reverse(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(lines[i].size()));
    picture.text(places.take(candidates, all[i].label), all[i].label, "label " + all[i].css);
  }
  return picture.done();
}

}  // namespace

std::string memory_chart(const run& r) {
  const auto all = all_growths(r);
  if (all.empty()) return "";
  std::string note;
  for (const judgement& j : judge(r))
    if (j.unit == "us/GiB" && j.verdict != verdict::not_measured)
      note = "<p>Each GiB adds " + time_label(j.figure_value) + " to a proven stop, and " + time_label(j.beside_value) +
             " to a kill that waits for the reap (least squares through the medians).</p>\n";
  return note + "<figure>" + wide_and_narrow(1120, [&](double width) { return draw(all, width); }) + "</figure>\n";
}

}  // namespace workit::bench_report
