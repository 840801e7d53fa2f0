// Writing SVG, and where on an axis a value is.
#include "svg.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include "amount.hpp"

namespace workit::bench_report {
namespace {

std::string number(double value) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

std::string attribute(std::string_view name, double value) {
  return ' ' + std::string(name) + "=\"" + number(value) + '"';
}

std::string attribute(std::string_view name, std::string_view value) {
  return value.empty() ? "" : ' ' + std::string(name) + "=\"" + escaped(value) + '"';
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  return out;
}

svg::svg(double width, double height, std::string_view described)
    : body_("<svg viewBox=\"0 0 " + number(width) + ' ' + number(height) + "\" role=\"img\"" +
            attribute("aria-label", described) + ">\n") {}

void svg::line(point from, point to, std::string_view css) {
  body_ += "<line" + attribute("x1", from.x) + attribute("y1", from.y) + attribute("x2", to.x) + attribute("y2", to.y) +
           attribute("class", css) + "/>\n";
}

void svg::path(const std::vector<point>& points, std::string_view css, std::string_view dashes) {
  body_ += "<path d=\"";
  for (const point& p : points) body_ += (&p == points.data() ? 'M' : 'L') + number(p.x) + ' ' + number(p.y);
  body_ += '"' + attribute("class", css) + attribute("stroke-dasharray", dashes) + "/>\n";
}

void svg::rectangle(point corner, double width, double height, std::string_view css) {
  body_ += "<rect" + attribute("x", corner.x) + attribute("y", corner.y) + attribute("width", width) +
           attribute("height", height) + attribute("class", css) + "/>\n";
}

void svg::circle(point centre, double radius, std::string_view css) {
  body_ += "<circle" + attribute("cx", centre.x) + attribute("cy", centre.y) + attribute("r", radius) +
           attribute("class", css) + "/>\n";
}

void svg::diamond(point centre, double radius, std::string_view css) {
  path({{centre.x - radius, centre.y},
        {centre.x, centre.y - radius},
        {centre.x + radius, centre.y},
        {centre.x, centre.y + radius},
        {centre.x - radius, centre.y}},
       css);
}

void svg::text(point at, std::string_view words, std::string_view css, std::string_view anchor) {
  body_ += "<text" + attribute("x", at.x) + attribute("y", at.y) + attribute("class", css) +
           attribute("text-anchor", anchor == "start" ? "" : anchor) + '>' + escaped(words) + "</text>\n";
}

log_axis::log_axis(double low, double high, double from, double to)
    : first_(std::floor(std::log10(low) + 1e-9)), last_(std::ceil(std::log10(high) - 1e-9)), from_(from), to_(to) {
  last_ = std::max(last_, first_ + 1);
}

double log_axis::at(double value) const {
  const double share = (std::log10(std::max(value, 1e-12)) - first_) / (last_ - first_);
  return from_ + std::clamp(share, 0.0, 1.0) * (to_ - from_);
}

std::vector<double> log_axis::ticks() const {
  std::vector<double> all;
  for (double power = first_; power <= last_; ++power) all.push_back(std::pow(10, power));
  return all;
}

std::string time_label(double us) {
  std::string text = amount(us, unit::microseconds);
  if (const auto micro = text.find("us"); micro != std::string::npos) text.replace(micro, 2, "µs");
  return text;
}

std::string tick_label(double us) { return without_trailing_zeros(time_label(us)); }

double text_width(std::string_view text) {
  return 6.3 * static_cast<double>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

double label_places::cost(const box& b) const {
  if (b.left < within_.left || b.right > within_.right || b.top < within_.top || b.bottom > within_.bottom) return 1e6;
  double sum = 0;
  for (const box& t : taken_)
    if (b.left < t.right && t.left < b.right && b.top < t.bottom && t.top < b.bottom) sum += 1000;
  for (const point& p : curves_)
    if (p.x > b.left && p.x < b.right && p.y > b.top && p.y < b.bottom) sum += 1;
  return sum;
}

point label_places::take(const std::vector<point>& candidates, std::string_view text) {
  constexpr double ascent = 10, descent = 3;
  double least = std::numeric_limits<double>::infinity();
  point best;
  box room{};
  for (const point& p : candidates) {
    const box b{p.x - 2, p.y - ascent, p.x + text_width(text) + 2, p.y + descent};
    // Candidates come in the order of preference.
    if (const double c = cost(b); c < least) least = c, best = p, room = b;
  }
  taken_.push_back(room);
  return best;
}

}  // namespace workit::bench_report
