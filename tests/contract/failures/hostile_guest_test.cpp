// Guests that write at random over all that they can write, and use every descriptor that they have in every way: their
// own call ends in some way, their neighbours' results are right, and nothing is left.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <random>

#include "failures.hpp"

namespace workit::test {
namespace {

struct mapping {
  std::uintptr_t begin = 0, end = 0;
  bool shared = false;
};

std::vector<mapping> writable_mappings() {
  std::vector<mapping> all;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long begin = 0, end = 0;
    char rights[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, rights) == 3 && rights[1] == 'w')
      all.push_back({begin, end, rights[3] == 's'});
  }
  return all;
}

/// Bytes, words and stretches, most of them into what is shared with the host: its own memory alone would mostly end it
/// by SIGSEGV before it has done anything to others.
void scribble(std::mt19937_64& random) {
  const auto all = writable_mappings();
  for (auto left = random() % 2000; left > 0; --left) {
    const auto& where = all[random() % all.size()];
    if (!where.shared && random() % 64 != 0) continue;
    const auto page = where.shared && random() % 2 == 0 ? std::uintptr_t{4096} : where.end - where.begin;
    auto* const at = reinterpret_cast<volatile unsigned char*>(where.begin + random() % (page - 64));
    const auto length = random() % 8 == 0 ? 64 : 1 << random() % 4;
    for (int i = 0; i < length; ++i) at[i] = random() % 3 == 0 ? 0xff : static_cast<unsigned char>(random());
  }
}

void misuse(int descriptor, std::mt19937_64& random) {
  static char junk[8192];
  const auto length = random() % sizeof junk;
  switch (random() % 14) {
    case 0:
      for (int i = 0; i < 100; ++i) static_cast<void>(!::write(descriptor, junk, random() % 64));
      return;
    case 1:
      return static_cast<void>(!::write(descriptor, junk, length));
    case 2:
      return static_cast<void>(!::pwrite(descriptor, junk, length, static_cast<off_t>(random() % 65536)));
    case 3:  // what does not block it may take away from others
      ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
      for (int i = 0; i < 100; ++i) static_cast<void>(!::read(descriptor, junk, sizeof junk));
      return;
    case 4:
      return static_cast<void>(::fcntl(descriptor, F_SETFL, 0));
    case 5:
      return static_cast<void>(::shutdown(descriptor, static_cast<int>(random() % 3)));
    case 6:
      return static_cast<void>(!::ftruncate(descriptor, static_cast<off_t>(random() % 2 * (1 << 20))));
    case 7:
      return static_cast<void>(::fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1 << 20));
    case 8:
      return static_cast<void>(::fcntl(descriptor, F_SETPIPE_SZ, 4096));
    case 9:
      return static_cast<void>(::fcntl(descriptor, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW));
    case 10: {  // a message with this descriptor in it, many times
      char control[CMSG_SPACE(sizeof(int))] = {};
      iovec text{junk, 1 + length};
      msghdr message{};
      message.msg_iov = &text;
      message.msg_iovlen = 1;
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      auto* const header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
      for (int i = 0; i < 20; ++i) ::sendmsg(descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
      return;
    }
    case 11:
      return static_cast<void>(::dup2(descriptor, static_cast<int>(3 + random() % 8)));
    case 12:
      return static_cast<void>(::close(descriptor));
    default:
      return static_cast<void>(::lseek(descriptor, 0, SEEK_END));
  }
}

/// Not the first three, which may be the operator's, as everything that this process prints.
void misuse_descriptors(std::mt19937_64& random) {
  std::vector<int> all;
  for (int descriptor = 3; descriptor < 64; ++descriptor)
    if (::fcntl(descriptor, F_GETFD) >= 0) all.push_back(descriptor);
  for (auto left = random() % 40; left > 0 && !all.empty(); --left) misuse(all[random() % all.size()], random);
}

void be_hostile(std::uint64_t seed) {
  std::signal(SIGPIPE, SIG_IGN);
  std::mt19937_64 random(seed);
  if (random() % 4 != 0) misuse_descriptors(random);
  if (random() % 4 != 0) scribble(random);
  if (random() % 3 == 0) spin_for_ever();
}

/// What an innocent neighbour computes: small and large in both directions.
std::vector<std::uint32_t> squares(const std::vector<std::uint32_t>& of) {
  std::vector<std::uint32_t> all;
  all.reserve(of.size());
  for (const auto x : of) all.push_back(x * x);
  return all;
}

/// A pool in which they are tried, and its name.
struct hostile_place {
  const char* name;
  process_options options;
};

class HostileGuest : public failures_test, public testing::WithParamInterface<hostile_place> {
 protected:
  /// How the calls of neighbours ended, those that had not the right result.
  static std::string wrong_neighbours(scope& s, std::mt19937_64& random, int calls) {
    std::string wrong;
    for (int i = 0; i < calls; ++i) {
      std::vector<std::uint32_t> numbers(random() % 2 == 0 ? 10 : 20'000);
      for (auto& x : numbers) x = static_cast<std::uint32_t>(random());
      auto got = s.spawn({.background = true}, offload({.timeout = bound(60s)}, squares, numbers)).result();
      if (!got.has_value())
        wrong += how(std::move(got)) + "; ";
      else if (std::move(got).value() != squares(numbers))
        wrong += "wrong numbers; ";
    }
    return wrong;
  }
  /// 100, or what WORKIT_HOSTILE_RUNS says.
  static int runs() {
    const char* const asked = std::getenv("WORKIT_HOSTILE_RUNS");
    return asked != nullptr ? std::atoi(asked) : 100;
  }
};

TEST_P(HostileGuest, HarmsNeitherItsHostNorItsNeighbours) {
  const auto first = seed();
  std::map<std::string, int> endings;
  {
    runtime rt({}, processes(GetParam().options));
    for (int run = 0; run < runs(); ++run) {
      std::mt19937_64 random(first + static_cast<std::uint64_t>(run));
      const auto guests_seed = random();
      rt.run([&](scope& s) {
        auto hostile = s.spawn({.background = true}, offload({.timeout = 30ms}, be_hostile, guests_seed));
        ASSERT_EQ(wrong_neighbours(s, random, 2), "") << "WORKIT_TEST_SEED=" << first + static_cast<std::uint64_t>(run);
        ++endings[how(hostile.result())];
      });
      if (HasFailure()) return;
    }
    EXPECT_EQ(pool_of(rt).status().zygotes, 1u) << "the zygote believed a guest";
    EXPECT_TRUE(becomes_whole(rt));
  }
  std::string all;
  for (const auto& [ending, times] : endings) all += ending + ": " + std::to_string(times) + "\n";
  EXPECT_GE(endings.size(), 3u) << "control arm: the guests do harm to themselves\n" << all;
  std::printf("%s", all.c_str());
}

// A worker that has run a hostile task to its end is no place for the next one: each task has one of its own.
INSTANTIATE_TEST_SUITE_P(
    In, HostileGuest,
    testing::Values(hostile_place{"a_pool", {.workers = 3, .spares = 1, .max_tasks = 1}},
                    hostile_place{"a_pool_that_captures",
                                  {.workers = 3, .max_tasks = 1, .output = worker_output::captured}},
                    hostile_place{"a_sandbox", {.workers = 3, .max_tasks = 1, .sandbox = sandbox::compute_only}}),
    [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace workit::test
