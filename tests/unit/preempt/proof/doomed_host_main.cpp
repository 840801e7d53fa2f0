// A host with a warden, and its child, which waits for the host's death:
// `doomed_host host <page descriptor>`; the child is `doomed_host mourner <page descriptor> <host-life descriptor>`.
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <workit/preempt/life_mutex.hpp>
#include <workit/preempt/warden.hpp>

#include "doomed_host_page.hpp"

namespace {

using namespace workit;
using test::news;

void* map(int descriptor, std::size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (memory == MAP_FAILED) std::_Exit(3);
  return memory;
}

int mourn(test::doomed_host_page& page, int host_life) {
  const preempt::host_life_view life(host_life, 0);
  if (life.mutex() == nullptr) return 3;
  page.mourning = true;
  page.heard = life.mutex()->wait_for_death() == preempt::life_mutex::ending::died ? news::died : news::released;
  return 0;
}

int host(test::doomed_host_page& page, char* program, char* page_descriptor) {
  preempt::warden warden;
  const auto place = warden.host_life();                          // the first one
  const int inherited = fcntl(place.descriptor(), F_DUPFD, 100);  // without close-on-exec
  std::string life = std::to_string(inherited), role = "mourner";
  char* arguments[] = {program, role.data(), page_descriptor, life.data(), nullptr};
  pid_t mourner = 0;
  if (posix_spawn(&mourner, "/proc/self/exe", nullptr, nullptr, arguments, environ) != 0) return 4;
  while (!page.end) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  auto& page = *static_cast<test::doomed_host_page*>(map(std::atoi(argv[2]), sizeof(test::doomed_host_page)));
  return argc == 4 ? mourn(page, std::atoi(argv[3])) : host(page, argv[0], argv[2]);
}
