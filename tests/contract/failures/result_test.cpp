// Results cut off by a kill, and ends without a result. (T1, T10, T11)
#include <sys/resource.h>

#include <random>

#include "failures.hpp"

namespace workit::test {
namespace {

class Result : public failures_test {};

constexpr std::size_t big = 100 << 20;

/// 25 million numbers that depend on each other: a torn block would not check out.
std::vector<std::uint32_t> make_big(const std::string& begun, std::uint32_t first) {
  std::vector<std::uint32_t> numbers(big / sizeof(std::uint32_t));
  for (auto& n : numbers) n = first++ * 2654435761u;
  leave_marker(begun);
  return numbers;
}
bool is_whole(const std::vector<std::uint32_t>& numbers, std::uint32_t first) {
  if (numbers.size() != big / sizeof(std::uint32_t)) return false;
  for (const auto n : numbers)
    if (n != first++ * 2654435761u) return false;
  return true;
}

// After the marker comes nothing but the encoding, the write of 100 MB into the block, and the commit; the kill comes
// at a random moment of these.
TEST_F(Result, KilledAtARandomByteIsNeverParsedAndItsSlotServesOn) {
  std::mt19937_64 random(seed());
  runtime rt({}, processes({.workers = 1, .spares = 1}));
  std::chrono::microseconds whole_takes{0};
  rt.run([&](scope& s) {  // the control arm: it is not killed
    auto task = s.spawn(offload({}, make_big, markers.file("whole"), 7u));
    markers.await("whole", s);
    const auto begun = machine::now();
    EXPECT_TRUE(is_whole(task.get(), 7));
    whole_takes = std::chrono::duration_cast<std::chrono::microseconds>(machine::now() - begun);
  });
  int values = 0, stopped = 0, killed = 0;
  std::uint32_t trial = 0;
  // Six, and more where a busy machine lets every kill come too late.
  for (; trial < 6 || (stopped + killed == 0 && trial < 30); ++trial)
    rt.run([&](scope& s) {
      const auto begun = "begun" + std::to_string(trial);
      auto task = s.spawn({.background = true}, offload({}, make_big, markers.file(begun), trial));
      markers.await(begun, s);
      // Early ones more often than late ones: part of the time is the host's, after the commit.
      const auto latest = static_cast<unsigned>(whole_takes.count()) / (1 + trial);
      const auto moment = std::chrono::microseconds(random() % std::max(1u, latest));
      s.sleep_for(moment);
      if (trial % 2 == 0) {
        task.cancel("at a random byte");
      } else {
        std::ifstream marker(markers.file(begun));
        pid_t worker = 0;
        marker >> worker;
        kill(worker, SIGKILL);
      }
      auto ended = task.result();
      if (ended.has_value()) {
        ++values;
        EXPECT_TRUE(is_whole(std::move(ended).value(), trial)) << "a torn result was delivered";
        // A kill from outside that came after the commit may meet the next task of that worker instead.
        try {
          EXPECT_EQ(adds_up(s), 5);
        } catch (const worker_crashed&) {
          EXPECT_EQ(trial % 2, 1U) << "no process has killed it";
        }
      } else if (ended.is_cancelled()) {
        ++stopped;
      } else {
        ++killed;
        EXPECT_THROW(std::rethrow_exception(ended.error()), error) << how(std::move(ended));
      }
      EXPECT_EQ(adds_up(s), 5);
    });
  EXPECT_EQ(values + stopped + killed, static_cast<int>(trial));
  EXPECT_GT(stopped + killed, 0) << "each kill came too late: nothing was tried";
  RecordProperty("values", values);
  EXPECT_TRUE(becomes_whole(rt));
}

/// What a guest may do instead of returning, and what its caller gets.
struct ending {
  const char* name;
  int (*run)();
  std::string heard;
};

struct crashes_on_exit {
  ~crashes_on_exit() { raise(SIGSEGV); }
};
struct ends_badly : std::exception {
  const char* what() const noexcept override { std::terminate(); }  // as one that throws does
};
std::string crash(int signal) { return "worker_crashed " + std::to_string(signal); }

TEST_F(Result, IsNotWhatEndsOtherwise) {
  runtime rt({}, processes({.workers = 1, .spares = 2}));
  const std::vector<ending> endings{
      {"a division by zero", [] { return raise(SIGFPE); }, crash(SIGFPE)},
      {"an illegal instruction",
       [] {
         __builtin_trap();
         return 0;
       },
       crash(SIGILL)},
      {"a bus error", [] { return raise(SIGBUS); }, crash(SIGBUS)},
      {"a trap", [] { return raise(SIGTRAP); }, crash(SIGTRAP)},
      {"abort",
       [] {
         std::abort();
         return 0;
       },
       crash(SIGABRT)},
      {"terminate",
       [] {
         std::terminate();
         return 0;
       },
       crash(SIGABRT)},
      {"a signal that only ends", [] { return raise(SIGTERM); }, crash(SIGTERM)},
      {"exit(0)",
       [] {
         std::exit(0);
         return 0;
       },
       crash(0)},
      {"_exit(0)",
       [] {
         _exit(0);
         return 0;
       },
       crash(0)},
      {"quick_exit(7)",
       [] {
         std::quick_exit(7);
         return 0;
       },
       crash(7)},
      {"a local object that dies badly",
       [] {
         const crashes_on_exit local;
         return 0;
       },
       crash(SIGSEGV)},
      {"what() that throws", []() -> int { throw ends_badly(); }, crash(SIGABRT)},
      {"no exception of std", []() -> int { throw 42; }, "remote_error int"},
      {"an end of this thread alone",
       [] {
         pthread_exit(nullptr);
         return 0;
       },
       crash(SIGABRT)},
  };
  for (const auto& e : endings) {
    SCOPED_TRACE(e.name);
    rt.run([&](scope& s) {
      auto guest = s.spawn({.background = true}, offload({.timeout = bound(5s)}, e.run));
      EXPECT_EQ(how(guest.result()), e.heard);
      EXPECT_EQ(adds_up(s), 5);
    });
  }
}

// Also a kill from outside, which is how a kernel without memory does it. (T9)
TEST_F(Result, OfAGuestWithoutMemoryIsAnErrorAndItsSiblingGoesOn) {
  if (WORKIT_TEST_SLOWNESS > 1) GTEST_SKIP() << "a sanitizer does not live within a limit of address space";
  runtime rt({}, processes({.workers = 2, .spares = 1}));
  rt.run([&](scope& s) {
    auto sibling =
        s.spawn(offload({}, spin_and_mark, markers.file("beside"), markers.file("ended"), std::int64_t{500}));
    markers.await("beside", s);
    auto chosen = s.spawn({.background = true},
                          offload({}, spin_and_mark, markers.file("chosen"), markers.file("end"), natural_end.count()));
    markers.await("chosen", s);
    pid_t worker = 0;
    std::ifstream(markers.file("chosen")) >> worker;
    kill(worker, SIGKILL);
    EXPECT_THROW(chosen.get(), error);
    auto poor = s.spawn({.background = true}, offload({}, [] {
                          const rlimit little{1 << 20, 1 << 20};
                          setrlimit(RLIMIT_AS, &little);
                          return std::string(64 << 20, 'x').size();
                        }));
    EXPECT_EQ(how(poor.result()), "remote_error std::bad_alloc");
    EXPECT_EQ(sibling.get(), 42);
  });
  EXPECT_FALSE(markers.has("end"));
}

}  // namespace
}  // namespace workit::test
