// Laying out plain text.
#include "text_table.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <string_view>

namespace workit::bench_report {

ink ink::for_stdout() {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool asked_not_to = no_colour != nullptr && *no_colour != '\0';
  const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  if (asked_not_to || dumb || isatty(STDOUT_FILENO) == 0) return {};
  return {.strong = "\033[1m", .alarm = "\033[1;31m", .faint = "\033[2m", .plain = "\033[0m"};
}

std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

text_table::text_table(std::vector<std::string> headings) { rows_.push_back({std::move(headings), ""}); }

void text_table::add(std::vector<std::string> cells, std::string colour) {
  cells.resize(rows_.front().cells.size());
  rows_.push_back({std::move(cells), std::move(colour)});
}

std::vector<std::size_t> text_table::widths() const {
  std::vector<std::size_t> w(rows_.front().cells.size());
  for (const row& r : rows_)
    for (std::size_t i = 1; i < w.size(); ++i) w[i] = std::max(w[i], width(r.cells[i]));
  const std::size_t others = std::accumulate(w.begin() + 1, w.end(), 2 * (w.size() - 1));
  const std::size_t room = page_width - std::min(page_width, others);
  for (const row& r : rows_)
    if (width(r.cells[0]) <= room) w[0] = std::max(w[0], width(r.cells[0]));
  return w;
}

std::string text_table::print(const ink& colours) const {
  const auto w = widths();
  std::string text;
  for (const row& r : rows_) {
    std::string line = r.cells[0];
    const bool alone = width(line) > w[0];
    if (alone) line += '\n' + std::string(w[0], ' ');
    if (!alone) line.append(w[0] - width(line), ' ');
    for (std::size_t i = 1; i < w.size(); ++i) line += std::string(2 + w[i] - width(r.cells[i]), ' ') + r.cells[i];
    line.erase(line.find_last_not_of(' ') + 1);
    const std::string& colour = &r == rows_.data() ? colours.faint : r.colour;
    text += colour + line + (colour.empty() ? "" : colours.plain) + '\n';
  }
  return text;
}

std::string wrapped(const std::vector<std::string>& parts) {
  std::string text, line;
  for (const auto& part : parts) {
    const bool fits = width(line) + 2 + width(part) < page_width;
    if (!line.empty() && !fits) text += line + ";\n";
    line = line.empty() || !fits ? part : line + "; " + part;
  }
  return text + line + '\n';
}

}  // namespace workit::bench_report
