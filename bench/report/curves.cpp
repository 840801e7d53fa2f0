// Cumulative curves of latency, in small multiples that share their axis.
#include <algorithm>
#include <cmath>

#include "charts.hpp"
#include "distribution.hpp"
#include "peers.hpp"
#include "svg.hpp"

namespace workit::bench_report {
namespace {

struct curve {
  std::string label;
  std::string css;             // its colour
  std::string dashes;          // its pattern: what tells it from the others on paper, and to the colour-blind
  std::vector<double> sorted;  // us
};

struct panel {
  std::string title;
  std::vector<curve> curves;
};

constexpr double width = 380, height = 236, left = 36, right = 372, top = 8, bottom = 208;

constexpr std::string_view patterns[] = {"7 3",  "2 2.5", "9 3 2 3",        "5 2 1.5 2 1.5 2",
                                         "12 4", "1.5 4", "9 2 2 2 2 2 2 2"};

/// Sorted microseconds.
std::vector<double> sorted_us(const series& s) {
  std::vector<double> all = distribution(s).sorted();
  for (double& value : all) value = in_us(s, value);
  return all;
}

void add(panel& p, const series* s, std::string label, std::string css, std::string_view dashes) {
  if (s != nullptr) p.curves.push_back({std::move(label), std::move(css), std::string(dashes), sorted_us(*s)});
}

/// Which of a peer's series a panel shows; null when it has none.
using event_of = const series* (*)(const peer&);

void add_peers(panel& p, const std::vector<peer>& peers, bool native, event_of event) {
  std::size_t i = 0;
  for (const peer& one : peers) {
    if ((one.stops == "native") != native) continue;
    const std::string css = "peer" + std::to_string(i % 4);
    const std::string_view dashes = patterns[i % std::size(patterns)];
    ++i;
    add(p, event(one), one.name, css, dashes);
  }
}

double at(const curve& c, double share) { return c.sorted[rank(share, c.sorted.size()) - 1]; }

std::vector<point> points_of(const curve& c, const log_axis& x) {
  std::vector<point> points;
  constexpr int steps = 90;
  for (int i = 0; i <= steps; ++i) {
    const double share = static_cast<double>(i) / steps;
    points.push_back({x.at(at(c, share)), bottom - share * (bottom - top)});
  }
  return points;
}

void add_axes(svg& picture, const log_axis& x) {
  for (const double share : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    const double y = bottom - share * (bottom - top);
    picture.line({left, y}, {right, y}, "grid");
    picture.text({left - 5, y + 3.5}, std::to_string(std::lround(100 * share)) + '%', "tick", "end");
  }
  const auto ticks = x.ticks();
  // Every other one where they would touch.
  const std::size_t step = ticks.size() > 7 ? 2 : 1;
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    picture.line({x.at(ticks[i]), top}, {x.at(ticks[i]), bottom}, "grid");
    if (i % step != 0) continue;
    const std::string_view anchor = i == 0 ? "start" : i + 1 == ticks.size() ? "end" : "middle";
    picture.text({i == 0 ? left - 4 : x.at(ticks[i]), bottom + 15}, tick_label(ticks[i]), "tick", anchor);
  }
}

/// Beside the curve, first where it passes its middle.
std::vector<point> label_candidates(const std::vector<point>& curve, std::string_view text) {
  std::vector<point> all;
  for (const double share : {0.5, 0.36, 0.64, 0.22, 0.78, 0.1, 0.9}) {
    const point& p = curve[static_cast<std::size_t>(std::lround(share * static_cast<double>(curve.size() - 1)))];
    all.push_back({p.x + 5, p.y + 4});
    all.push_back({p.x - 5 - text_width(text), p.y + 4});
  }
  return all;
}

std::string draw(const panel& p, double low, double high) {
  svg picture(width, height, p.title + ": share of stops within a time, on a logarithmic axis");
  const log_axis x(low, high, left, right);
  add_axes(picture, x);
  label_places places({left, top, right, bottom});
  std::vector<std::vector<point>> lines;
  for (const curve& c : p.curves) {
    lines.push_back(points_of(c, x));
    places.avoid(lines.back());
  }
  // Ours come first and lie on top.
  for (std::size_t i = lines.size(); i-- > 0;) picture.path(lines[i], "curve " + p.curves[i].css, p.curves[i].dashes);
  for (std::size_t i = 0; i < lines.size(); ++i)
    picture.text(places.take(label_candidates(lines[i], p.curves[i].label), p.curves[i].label), p.curves[i].label,
                 "label " + p.curves[i].css);
  return picture.done();
}

std::string legend(const panel& p) {
  std::string html =
      "<table class=\"legend\"><thead><tr><th></th><th></th><th>p50</th><th>p99</th></tr></thead><tbody>\n";
  for (const curve& c : p.curves) {
    svg sample(34, 10, "");
    sample.path({{0, 5}, {34, 5}}, "curve " + c.css, c.dashes);
    const bool enough = c.sorted.size() >= samples_needed(statistic::p99);
    html += "<tr><td class=\"sample\">" + sample.done() + "</td><td>" + escaped(c.label) + "</td><td>" +
            time_label(at(c, 0.5)) + "</td><td>" + (enough ? time_label(at(c, 0.99)) : "–") + "</td></tr>\n";
  }
  return html + "</tbody></table>\n";
}

std::vector<panel> panels_of(const run& r, const std::string& boundary) {
  const bool process = boundary == "process";
  const std::string stop = "stop/" + boundary + "/spin/0MiB/idle/", name = process ? "Process" : "Thread";
  const auto peers = peers_of(r);
  std::vector<panel> all = {{name + ": the victim’s last instruction", {}},
                            {name + ": the caller goes on", {}},
                            {name + ": the next task is done", {}}};
  add(all[0], r.find(stop + "stopped"), process ? "workit, proven" : "workit", "ours", "");
  if (!process) add(all[0], r.find("kick/spin/stopped"), "workit, from the kick", "ours", "1 3");
  add(all[0], r.find(process ? "floor/kill_to_proof/0MiB/idle" : "floor/signal_to_handler"),
      process ? "floor: SIGKILL" : "floor: signal", "floor", "4 2");
  add(all[1], r.find(stop + "resumed"), "workit", "ours", "");
  if (process) add(all[1], r.find("floor/kill_to_reaped/0MiB/idle"), "floor: kill and reap", "floor", "4 2");
  add(all[2], r.find(stop + "next"), "workit", "ours", "");
  add(all[2], r.find("floor/futex_wake"), "floor: futex wake", "floor", "4 2");
  add_peers(all[0], peers, process, [](const peer& p) { return p.last_instruction; });
  add_peers(all[1], peers, process, [](const peer& p) { return p.resumed; });
  add_peers(all[2], peers, process, [](const peer& p) { return p.next_task; });
  std::erase_if(all, [](const panel& p) { return p.curves.empty(); });
  return all;
}

}  // namespace

std::string curves(const run& r) {
  std::string html;
  for (const char* boundary : {"process", "thread"}) {
    const auto panels = panels_of(r, boundary);
    double low = 1e300, high = 1e-300;
    for (const panel& p : panels)
      for (const curve& c : p.curves) {
        low = std::min(low, at(c, 0.01));
        high = std::max(high, at(c, 0.99));
      }
    for (const panel& p : panels)
      html += "<figure><figcaption>" + escaped(p.title) + "</figcaption>\n" + draw(p, std::max(low, 0.1), high) +
              legend(p) + "</figure>\n";
  }
  return html.empty() ? html : "<div class=\"panels\">\n" + html + "</div>\n";
}

}  // namespace workit::bench_report
