// What happens without a scope: the request to stop has no effect.
#include "control.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "search/rerank.hpp"

namespace demo {

void run_control(const std::string& query, const std::string& poison, std::chrono::milliseconds watch_for) {
  using clock = std::chrono::steady_clock;
  chat::load_model();
  std::atomic<bool> done{false};
  std::jthread thread([&](const std::stop_token&) {
    (void)chat::rerank(query, {poison}, ~std::uint64_t{0});
    done = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  thread.request_stop();
  const auto requested = clock::now();
  while (!done && clock::now() - requested < watch_for) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  const auto seen = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - requested).count();
  std::printf("%lld %s\n", static_cast<long long>(seen), done ? "ended" : "running");
  std::fflush(stdout);
  _exit(0);
}

}  // namespace demo
