// Times arguments and results.
#include "payloads.hpp"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <system_error>
#include <vector>
#include <workit/workit.hpp>

#include "child.hpp"
#include "stopwatch.hpp"

namespace workit::bench {
namespace {

using payload = std::vector<std::byte>;

constexpr int warm_up = 3;

std::uint64_t size_of(const payload& bytes) { return bytes.size(); }

const payload& kept(std::size_t bytes) {
  static payload all;
  if (all.size() != bytes) all.assign(bytes, std::byte{1});
  return all;
}

void send_all(int to, const payload& bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const auto n = ::send(to, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (n <= 0) throw std::system_error(errno, std::generic_category(), "send to a child");
    done += static_cast<std::size_t>(n);
  }
}

template <class Call>
samples in_one_worker(int n, Call call) {
  runtime rt({}, processes({.workers = 1, .spares = 0}));
  samples all;
  rt.run([&](scope& s) {
    for (int i = -warm_up; i < n; ++i)
      if (const auto took = call(s); i >= 0) all.push_back(took);
  });
  return all;
}

}  // namespace

samples copies_by_shared_memory(std::size_t bytes, int n) {
  void* const shared = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap of shared memory");
  std::memset(shared, 2, bytes);
  const payload from(bytes, std::byte{1});
  samples all;
  for (int i = -warm_up; i < n; ++i) {
    const stopwatch watch;
    std::memcpy(shared, from.data(), bytes);
    {
      const auto* const begin = static_cast<const std::byte*>(shared);
      const payload to(begin, begin + bytes);
      asm volatile("" : : "r"(to.data()) : "memory");
    }
    if (i >= 0) all.push_back(watch.elapsed());
  }
  ::munmap(shared, bytes);
  return all;
}

samples round_trips_by_socket(std::size_t bytes, int n) {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  const unique_fd mine(ends[0]), its(ends[1]);
  const child other(role::drain, static_cast<int>(bytes >> 10), its.get());
  const payload from(bytes, std::byte{1});
  samples all;
  for (int i = -warm_up; i < n; ++i) {
    const stopwatch watch;
    send_all(mine.get(), from);
    std::byte answer{};
    if (::recv(mine.get(), &answer, 1, 0) != 1) throw std::system_error(errno, std::generic_category(), "recv");
    if (i >= 0) all.push_back(watch.elapsed());
  }
  return all;
}

samples arguments(std::size_t bytes, int n) {
  const payload from(bytes, std::byte{1});
  return in_one_worker(n, [&](scope& s) {
    auto moved = from;
    const stopwatch watch;
    offload(size_of, std::move(moved))(s);
    return watch.elapsed();
  });
}

samples results(std::size_t bytes, int n) {
  const auto call = offload(kept, bytes);
  return in_one_worker(n, [&](scope& s) {
    const stopwatch watch;
    const auto got = call(s);
    return watch.elapsed();
  });
}

}  // namespace workit::bench
