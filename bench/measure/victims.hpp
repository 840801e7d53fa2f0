// Work that never ends by itself: what the benchmarks stop.
#pragma once

#include <functional>
#include <string_view>
#include <vector>
#include <workit/workers/worker_context.hpp>

#include "child.hpp"

namespace workit::bench {

/// Says that it runs, then runs until it is stopped from outside.
using victim_function = void (*)(const std::function<void()>& be_ready, shared_page& page);

struct victim {
  std::string_view name{};
  victim_function run = nullptr;
  bool at_thread = true;  ///< whether boundary::thread can stop it: not what waits in the kernel
  bool spoils = false;    ///< a thread that was stopped in it runs nothing more: it has thread_locals
};

/// spin, allocate, lock, throw, mathematics, copy, sort, print, system_call, blocked_read, thread_locals and stamp,
/// which notes in the page when each of its turns was.
[[nodiscard]] const std::vector<victim>& victims();

/// That victim. Errors: std::invalid_argument that names all there are.
[[nodiscard]] const victim& find_victim(std::string_view name);

}  // namespace workit::bench
