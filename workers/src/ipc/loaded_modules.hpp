// The modules of this process: the program, its libraries, and what code has opened since.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>
#include <workit/workers/detail/function_id.hpp>

namespace workit::workers {

struct loaded_module {
  struct code_range {
    std::uintptr_t from, to;
  };

  module_id id{};
  std::uintptr_t base = 0;  ///< where it is loaded: what function_id::offset counts from
  std::vector<code_range> code{};
  std::string path{};  ///< as the linker has found it; empty for the program

  [[nodiscard]] bool has_code_at(std::uintptr_t at) const noexcept {
    return std::any_of(code.begin(), code.end(), [&](code_range c) { return at >= c.from && at < c.to; });
  }
};
using module_list = std::vector<loaded_module>;

/// As they are now. Blocks: after the linker has loaded or unloaded something, while /proc/self/maps is read; a
/// sandboxed worker cannot, so that the list is read before. Threads: any. Errors: start_failed when it cannot be read.
[[nodiscard]] std::shared_ptr<const module_list> loaded_modules();

/// How a sentence calls it.
[[nodiscard]] std::string name_of(const loaded_module& m);

}  // namespace workit::workers
