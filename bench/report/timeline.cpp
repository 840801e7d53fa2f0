// One stop at each boundary as a staircase: every step begins where the one before it was done.
#include <algorithm>

#include "charts.hpp"
#include "distribution.hpp"
#include "svg.hpp"

namespace workit::bench_report {
namespace {

struct step {
  std::string words;
  double p50 = 0, p99 = 0;  // us from the request; p99 is 0 when there are too few samples
  double floor = 0;         // us; 0 when there is none
};

std::vector<step> steps_of(const run& r, const std::string& boundary) {
  const std::string stop = "stop/" + boundary + "/spin/";
  // What a large victim gives back takes longest, and is the point: its memory is not waited for.
  const struct {
    std::string name, words;
  } events[] = {{"0MiB/idle/kicked", "kicked"},
                {"0MiB/idle/stopped", boundary == "process" ? "proven stopped" : "last instruction"},
                {"0MiB/idle/resumed", "scope resumed"},
                {"0MiB/idle/next", boundary == "process" ? "next task done, on a spare" : "next task done"},
                {"0MiB/idle/reclaimed", boundary == "process" ? "reclaimed" : "thread back"},
                {"1024MiB/idle/reclaimed", "reclaimed, of 1 GiB"}};
  std::vector<step> steps;
  for (const auto& event : events) {
    const series* s = r.find(stop + event.name);
    if (s == nullptr) continue;
    const distribution samples(*s);
    const series* floor = s->floor ? r.find(*s->floor) : nullptr;
    steps.push_back({event.words, in_us(*s, samples.at(0.5)), in_us(*s, samples.at(statistic::p99).value_or(0)),
                     floor != nullptr ? in_us(*floor, distribution(*floor).at(0.5)) : 0});
  }
  std::stable_sort(steps.begin(), steps.end(), [](const step& a, const step& b) { return a.p50 < b.p50; });
  return steps;
}

struct layout {
  double width, left, right, row = 27, top = 26;
  [[nodiscard]] double y(std::size_t i) const { return top + row * (static_cast<double>(i) + 0.5); }
};

void add_axis(svg& picture, const layout& at, const log_axis& x, std::size_t rows) {
  const double bottom = at.top + at.row * static_cast<double>(rows);
  for (const double tick : x.ticks()) {
    picture.line({x.at(tick), at.top}, {x.at(tick), bottom}, "grid");
    picture.text({x.at(tick), bottom + 15}, tick_label(tick), "tick", "middle");
  }
  // The request is at zero, which a logarithmic axis does not have: there is a break in it.
  const double zero = at.left - 16;
  picture.line({zero, at.top - 6}, {zero, bottom}, "request");
  picture.text({zero, at.top - 11}, "stop requested", "label strong", "middle");
  picture.line({zero + 6, bottom + 4}, {zero + 9, bottom - 4}, "request");
  picture.line({zero + 10, bottom + 4}, {zero + 13, bottom - 4}, "request");
}

std::string draw(const std::vector<step>& steps, const std::string& title, double low, double high, double width) {
  const bool narrow = width < 500;
  const layout at{.width = width, .left = narrow ? 150.0 : 216.0, .right = width - (narrow ? 62.0 : 150.0)};
  svg picture(width, at.top + at.row * static_cast<double>(steps.size()) + 22,
              title + ": when each step of a stop is done, on a logarithmic axis");
  const log_axis x(low, high, at.left, at.right);
  add_axis(picture, at, x, steps.size());
  double begun = at.left - 16;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const step& s = steps[i];
    const double y = at.y(i), done = x.at(s.p50);
    picture.text({at.left - 24, y + 4}, s.words, "label", "end");
    if (s.p99 > 0) picture.line({done, y}, {x.at(s.p99), y}, "whisker");
    picture.rectangle({begun, y - 5}, std::max(1.5, done - begun), 10, "bar");
    if (i + 1 < steps.size()) picture.line({done, y}, {done, at.y(i + 1)}, "drop");
    if (s.floor > 0) picture.diamond({x.at(s.floor), y}, 4.5, "floor-mark");
    std::string words = time_label(s.p50);
    if (!narrow && s.p99 > 0) words += ", p99 " + time_label(s.p99);
    picture.text({width - 2, y + 4}, words, "label", "end");
    begun = done;
  }
  return picture.done();
}

}  // namespace

std::string timelines(const run& r) {
  const auto process = steps_of(r, "process"), thread = steps_of(r, "thread");
  double low = 1e300, high = 1e-300;
  for (const auto* steps : {&process, &thread})
    for (const step& s : *steps) {
      low = std::min({low, s.p50, s.floor > 0 ? s.floor : s.p50});
      high = std::max({high, s.p50, s.p99});
    }
  std::string html;
  const auto add = [&](const std::vector<step>& steps, const std::string& title) {
    if (steps.empty()) return;
    html += "<figure><figcaption>" + title + "</figcaption>\n" +
            wide_and_narrow(1120, [&](double width) { return draw(steps, title, low, high, width); }) + "</figure>\n";
  };
  add(process, "Process boundary");
  add(thread, "Thread boundary");
  return html;
}

}  // namespace workit::bench_report
