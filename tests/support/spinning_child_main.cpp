// A worker that ignores every request to stop: `spinning_child <page descriptor> <MiB to dirty>`.
#include <sys/mman.h>
#include <sys/prctl.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <workit/preempt/proof.hpp>

#include "spinning_child_page.hpp"

namespace {

using workit::test::spinning_child_page;

// Private memory of 4 KiB pages, which the kernel has to give back one by one when the process dies.
void dirty(std::size_t mib) {
  if (mib == 0) return;
  void* memory = mmap(nullptr, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::_Exit(3);
  madvise(memory, mib << 20, MADV_NOHUGEPAGE);
  std::memset(memory, 1, mib << 20);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that aborts leaves no spinning process
  void* shared = mmap(nullptr, sizeof(spinning_child_page), PROT_READ | PROT_WRITE, MAP_SHARED, std::atoi(argv[1]), 0);
  if (shared == MAP_FAILED) return 3;
  auto& page = *static_cast<spinning_child_page*>(shared);
  dirty(static_cast<std::size_t>(std::atoi(argv[2])));
  if (!workit::preempt::register_for_barrier()) return 4;
  page.life.hold();
  // One writer: a plain addition is enough, and the shortest loop there is.
  const auto beat = [&page] {
    page.beats.store(page.beats.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  };
  while (!page.may_end.load(std::memory_order_relaxed)) beat();
  for (auto left = workit::test::beats_to_end; left > 0; --left) beat();
  page.marker.store(true);
  page.life.release();
}
