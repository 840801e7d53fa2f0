// Drawing: lines, texts and logarithmic axes as SVG. Colours are the page's: each shape names a class of its style.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "run.hpp"

namespace workit::bench_report {

struct point {
  double x = 0, y = 0;
};

/// With &, <, > and " as HTML and SVG want them.
[[nodiscard]] std::string escaped(std::string_view text);

/// A picture that is built up shape by shape. Lengths are in its own pixels.
class svg {
 public:
  /// `described` is the text for screen readers.
  svg(double width, double height, std::string_view described);

  void line(point from, point to, std::string_view css);
  void path(const std::vector<point>& points, std::string_view css, std::string_view dashes = "");
  void rectangle(point corner, double width, double height, std::string_view css);
  void circle(point centre, double radius, std::string_view css);
  void diamond(point centre, double radius, std::string_view css);
  /// `anchor` is start, middle or end; the point is on the text's base line.
  void text(point at, std::string_view words, std::string_view css, std::string_view anchor = "start");
  [[nodiscard]] std::string done() const { return body_ + "</svg>\n"; }

 private:
  std::string body_;
};

/// A logarithmic axis over whole decades.
class log_axis {
 public:
  /// Values from `low` to `high` lie between pixels `from` and `to`; widened to whole decades.
  log_axis(double low, double high, double from, double to);
  [[nodiscard]] double at(double value) const;
  /// The decades' values.
  [[nodiscard]] std::vector<double> ticks() const;

 private:
  double first_, last_;  // powers of ten
  double from_, to_;
};

/// A length of time in microseconds as an axis or a label writes it: "20 µs".
[[nodiscard]] std::string time_label(double us);
/// Of a decade, without digits that say nothing: "100 µs".
[[nodiscard]] std::string tick_label(double us);
/// How wide a text of the page's small size is, about.
[[nodiscard]] double text_width(std::string_view text);

/// Finds places for labels where they do not lie on one another.
class label_places {
 public:
  struct box {
    double left, top, right, bottom;
  };
  explicit label_places(box within) : within_(within) {}
  /// What labels should keep off, as far as there is room.
  void avoid(const std::vector<point>& curve) { curves_.insert(curves_.end(), curve.begin(), curve.end()); }
  /// The best of the candidates, which is then taken; a candidate is where the text begins on its base line.
  point take(const std::vector<point>& candidates, std::string_view text);

 private:
  [[nodiscard]] double cost(const box& b) const;
  box within_;
  std::vector<point> curves_;
  std::vector<box> taken_;
};

}  // namespace workit::bench_report
