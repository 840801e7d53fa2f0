// A table of plain text: columns as wide as what is in them, within 100.
#pragma once

#include <string>
#include <vector>

namespace workit::bench_report {

constexpr std::size_t page_width = 100;

/// Escape sequences for a terminal; all empty when it is none, or NO_COLOR is set.
struct ink {
  std::string strong, alarm, faint, plain;
  /// For standard output as it is.
  static ink for_stdout();
};

/// The length of UTF-8 text in columns, when none of its characters is wider than one.
[[nodiscard]] std::size_t width(const std::string& text);

/// The first column is aligned to the left, the others to the right. A first cell that would push the row over the page
/// stands on a line of its own.
class text_table {
 public:
  explicit text_table(std::vector<std::string> headings);
  void add(std::vector<std::string> cells, std::string colour = "");
  /// Lines, each ended by a newline; the headings faint.
  [[nodiscard]] std::string print(const ink& colours) const;

 private:
  struct row {
    std::vector<std::string> cells;
    std::string colour;
  };
  [[nodiscard]] std::vector<std::size_t> widths() const;
  std::vector<row> rows_;  // the first one is the headings
};

/// The parts, separated by "; ", on as many lines as the page asks for.
[[nodiscard]] std::string wrapped(const std::vector<std::string>& parts);

}  // namespace workit::bench_report
