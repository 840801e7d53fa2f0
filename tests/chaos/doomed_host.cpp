// Spawns, waits, kills, looks.
#include "doomed_host.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <support/processes_below.hpp>
#include <thread>

#include "world.hpp"

extern char** environ;

namespace workit::chaos {

std::vector<std::string> doom_a_host(std::uint64_t seed) {
  using namespace std::chrono_literals;
  draws random(seed);
  const auto number = std::to_string(seed);
  std::string words[] = {"/proc/self/exe", "--doomed", number};
  char* const arguments[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  pid_t host = 0;
  if (::posix_spawn(&host, "/proc/self/exe", nullptr, nullptr, arguments, environ) != 0)
    return {"a host could not be started"};
  std::this_thread::sleep_for(random.us(random.one_in(3) ? 20'000 : 600'000));
  ::kill(host, SIGKILL);
  ::waitpid(host, nullptr, 0);
  // Its orphans come to this process, which has said so to the kernel.
  const auto until = std::chrono::steady_clock::now() + 10s;
  std::vector<std::string> left;
  do {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
    left.clear();
    for (const auto& p : test::processes_below())
      left.push_back("of a host that was killed: " + p.name + " (" + p.state + ")");
    if (!left.empty()) std::this_thread::sleep_for(5ms);
  } while (!left.empty() && std::chrono::steady_clock::now() < until);
  return left;
}

}  // namespace workit::chaos
