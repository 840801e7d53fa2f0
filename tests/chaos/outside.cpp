// Kills, stops and shortages.
#include "outside.hpp"

#include <signal.h>
#include <sys/resource.h>

#include <chrono>
#include <support/processes_below.hpp>
#include <thread>

#include "world.hpp"

namespace workit::chaos {
namespace {

using namespace std::chrono_literals;

/// Of the processes below those that a pool keeps for its tasks, a zygote only if `zygotes`; 0 when there is none.
pid_t draw_victim(draws& random, bool zygotes) {
  std::vector<pid_t> all;
  for (const auto& p : test::processes_below()) {
    const bool is_zygote = p.parent == ::getpid();
    if (p.state != 'Z' && (zygotes || !is_zygote)) all.push_back(p.pid);
  }
  return all.empty() ? 0 : all[random.below(all.size())];
}

void take_descriptors_away(std::chrono::microseconds how_long) {
  rlimit was{};
  ::getrlimit(RLIMIT_NOFILE, &was);
  const rlimit none{std::min<rlim_t>(was.rlim_cur, 16), was.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  std::this_thread::sleep_for(how_long);
  ::setrlimit(RLIMIT_NOFILE, &was);
}

}  // namespace

void make_trouble(std::uint64_t seed, const std::atomic<bool>& over, books& own) {
  draws random(seed);
  while (!over) {
    std::this_thread::sleep_for(2ms + random.us(60'000));
    const bool zygotes = random.one_in(12);
    switch (random.below(8)) {
      case 0:
        take_descriptors_away(random.us(10'000));
        break;
      case 1:
        if (const auto victim = draw_victim(random, zygotes); victim != 0) {
          ::kill(victim, SIGSTOP);
          std::this_thread::sleep_for(random.us(20'000));
          ::kill(victim, SIGCONT);
        }
        break;
      default:
        if (const auto victim = draw_victim(random, zygotes); victim != 0 && ::kill(victim, SIGKILL) == 0)
          own.kills.fetch_add(1);
    }
  }
}

}  // namespace workit::chaos
