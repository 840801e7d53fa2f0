// The control arm: the same work on a plain std::jthread, whose stop token is never read.
#pragma once

#include <chrono>
#include <string>

namespace demo {

/// Reranks `poison` on a std::jthread, requests its stop after 300 ms, and prints how many milliseconds later the work
/// is seen still running: when it ends, or after `watch_for`. Ends the process: that is the only way to end the thread.
[[noreturn]] void run_control(const std::string& query, const std::string& poison, std::chrono::milliseconds watch_for);

}  // namespace demo
