// How long a stop takes through the warden, from the request to the proof, beside the bare system calls it stands on.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>
#include <workit/preempt/proof.hpp>
#include <workit/preempt/warden.hpp>

#include "test_lease.hpp"

namespace {

using namespace workit;

double in_us(duration d) { return std::chrono::duration<double, std::micro>(d).count(); }

double quantile(std::vector<double>& sorted, double q) {
  return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(q * static_cast<double>(sorted.size())))];
}

struct figures {
  double p50, p99;
};

figures print(const char* name, std::size_t mib, std::vector<double>& us) {
  std::sort(us.begin(), us.end());
  const figures f{quantile(us, 0.5), quantile(us, 0.99)};
  std::printf("%-34s %4zu MiB  n=%zu  p50 %8.1f us  p99 %8.1f us\n", name, mib, us.size(), f.p50, f.p99);
  return f;
}

double floor_once(std::size_t mib) {
  test::spinning_child child(mib);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const auto start = std::chrono::steady_clock::now();
  syscall(SYS_pidfd_send_signal, child.pidfd(), SIGKILL, nullptr, 0);
  if (!preempt::barrier()) std::abort();
  return in_us(std::chrono::steady_clock::now() - start);
}

double warden_once(preempt::warden& warden, std::size_t mib) {
  test::spinning_child child(mib);
  const auto cell = cancel_cell::make(nullptr, std::make_shared<test::telling_listener>(warden));
  const auto task = std::make_shared<test::test_lease>(cell, child);
  warden.enlist(task);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  cell->request(reason::user{});
  task->wait();
  child.let_end();
  return in_us(task->receipt->stopped - task->receipt->requested);
}

}  // namespace

int main(int argc, char** argv) {
  const int trials = argc > 1 ? std::atoi(argv[1]) : 300;
  preempt::warden warden;
  for (const std::size_t mib : {0, 256}) {
    std::vector<double> bare, through;
    for (int i = 0; i < trials; ++i) {  // in turns, so that both see the same machine
      bare.push_back(floor_once(mib));
      through.push_back(warden_once(warden, mib));
    }
    const auto floor = print("SIGKILL + membarrier", mib, bare);
    const auto stop = print("request -> stopped, by the warden", mib, through);
    std::printf("%-34s %4zu MiB  p50 x%.2f  p99 x%.2f\n", "ratio", mib, stop.p50 / floor.p50, stop.p99 / floor.p99);
  }
}
