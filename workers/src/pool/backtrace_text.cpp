// backtrace_text: see the header. A worker can have written any text.
#include "backtrace_text.hpp"

#include <unistd.h>

#include <boost/core/demangle.hpp>

#include "messages.hpp"

namespace workit::workers {
namespace {

constexpr std::size_t longest_symbol = 4096;

/// "path(_ZN1a1fEv+0x10) [0x55]" becomes "path(a::f()+0x10) [0x55]".
void demangle_in(std::string& lines) {
  for (auto at = lines.find("(_Z"); at != std::string::npos; at = lines.find("(_Z", at + 1)) {
    const auto end = lines.find_first_of("+)\n", at);
    if (end == std::string::npos || end - at > longest_symbol) continue;
    const auto symbol = lines.substr(at + 1, end - at - 1);
    lines.replace(at + 1, symbol.size(), boost::core::demangle(symbol.c_str()));
  }
}

}  // namespace

std::string readable_backtrace(std::string lines) {
  char program[512] = {};
  if (::readlink("/proc/self/exe", program, sizeof program - 1) > 0) {
    for (const auto name : {zygote_name, worker_name})
      for (auto at = lines.find(name); at != std::string::npos; at = lines.find(name, at + 1))
        if (at == 0 || lines[at - 1] == '\n') lines.replace(at, name.size(), program);
  }
  demangle_in(lines);
  return lines;
}

}  // namespace workit::workers
