// Stops that race: with each other, with the end of the work, with its start. (T6, T7, T8)
#include <atomic>
#include <random>

#include "failures.hpp"
#include "one_race.hpp"

namespace workit::test {
namespace {

class Race : public failures_test {};

// Ten seconds of it here; a million in the soak. (T7)
TEST_F(Race, OfCancelAndCompletionHasOneOutcomeAndTheNextTaskLives) {
  std::mt19937_64 random(seed());
  runtime rt({}, processes({.workers = 1, .spares = 3}));
  race_score score;
  rt.run([&](scope& s) {
    for (const auto until = machine::now() + 10s; machine::now() < until;) race_once(s, random, score);
  });
  std::printf("%lu races: %lu values, %lu kills, %lu withdrawals\n", score.total(), score.values, score.kills,
              score.withdrawals);
  EXPECT_GT(score.values, 0u) << "the control arm: some tasks complete";
  EXPECT_GT(score.kills, 0u) << "the control arm: some do not";
  EXPECT_EQ(pool_of(rt).status().crashed, 0u);
  EXPECT_EQ(pool_of(rt).status().killed, score.kills) << "a worker was killed that had no part in it";
}

// The commit decides, not its notice: the fiber blocks its loop until long after the worker is done.
TEST_F(Race, IsWonByAResultThatWasCommittedFirst) {
  runtime rt({}, processes({.workers = 1, .spares = 1}));
  rt.run([&](scope& s) {
    for (int n = 0; n < 20; ++n) {
      const auto done = "done" + std::to_string(n);
      auto task = s.spawn({.background = true}, offload(
                                                    {},
                                                    [](const std::string& mark) {
                                                      leave_marker(mark);
                                                      return 7;
                                                    },
                                                    markers.file(done)));
      s.sleep_for(std::chrono::nanoseconds(1));  // it is dispatched
      while (!markers.has(done)) std::this_thread::yield();
      spin_until(machine::now() + 20ms);
      EXPECT_TRUE(task.cancel("too late"));
      auto ended = task.result();
      EXPECT_EQ(how(std::move(ended)), "value");
      EXPECT_TRUE(task.receipt().stops.empty());
    }
  });
  EXPECT_EQ(pool_of(rt).status().killed, 0u);
  EXPECT_LE(pool_of(rt).status().started, 2u) << "a worker was lost: there are the two of the start";
}

// A victim is stopped at once by: three threads, each twice; its deadline; the end of its scope. (T6)
TEST_F(Race, OfManyCancelsHasOneReasonOneKillAndOneReceipt) {
  std::mt19937_64 random(seed());
  runtime rt({}, processes({.workers = 1, .spares = 3}));
  std::atomic<int> decided{0};
  std::uint64_t killed = 0;
  constexpr int rounds = 150;
  for (int round = 0; round < rounds; ++round) {
    kept_receipt receipt;
    std::vector<std::thread> threads;
    const auto at = machine::now() + 3ms;
    decided = 0;
    try {
      rt.run({.name = "victim",
              .deadline_at = deadline_point(at + std::chrono::microseconds(random() % 200)),
              .on_receipt = receipt.keeper()},
             [&](scope& s) {
               s.spawn({.background = true}, offload({}, spin_for_ever));
               for (int n = 0; n < 3; ++n)
                 threads.emplace_back(
                     [&decided, remote = s.remote(), moment = at + std::chrono::microseconds(random() % 200)] {
                       spin_until(moment);
                       for (const auto* tag : {"first", "second"}) decided += remote.cancel(std::string(tag));
                     });
               while (machine::now() < at + std::chrono::microseconds(random() % 200)) s.sleep_for(100us);
               throw std::runtime_error("the body ends");
             });
      FAIL() << "the scope ended well";
    } catch (const std::exception&) {
    }
    for (auto& t : threads) t.join();
    EXPECT_LE(decided, 1);
    const auto& r = receipt.get();
    ASSERT_LE(r.stops.size(), 1u) << "round " << round;
    for (const auto& stop : r.stops) {  // none, if the task had not begun
      killed += stop.receipt.method == stop_method::killed;
      EXPECT_NE(stop.receipt.proof, stop_proof::none);
    }
    EXPECT_EQ(rt.run([](scope& s) { return adds_up(s); }), 5);
  }
  EXPECT_GT(killed, 0u);
  EXPECT_EQ(pool_of(rt).status().killed, killed) << "a worker was killed that had no part in it";
  EXPECT_EQ(pool_of(rt).status().crashed, 0u);
}

/// One byte for each task of a test, set by the task in its worker.
class started_flags {
 public:
  explicit started_flags(const std::string& file, std::size_t count) : count_(count) {
    const int fd = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, static_cast<off_t>(count)) != 0) throw std::runtime_error("no file for flags");
    bytes_ = static_cast<volatile char*>(mmap(nullptr, count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    close(fd);
  }
  ~started_flags() { munmap(const_cast<char*>(bytes_), count_); }
  started_flags(const started_flags&) = delete;
  started_flags& operator=(const started_flags&) = delete;
  void set(std::size_t i) { bytes_[i] = 1; }
  [[nodiscard]] bool is_set(std::size_t i) const { return bytes_[i] != 0; }

 private:
  volatile char* bytes_;
  std::size_t count_;
};

int set_flag(const std::string& file, std::size_t count, std::size_t i, int us) {
  started_flags(file, count).set(i);
  return spin_and_return(us);
}

// A queue of short tasks before one worker, each cancelled at a random moment: many in the very moment in which it
// leaves the queue. A withdrawn task has not begun, a task with a value has, and no cancel is lost. (T8)
TEST_F(Race, OfCancelAndDispatchNeverStartsWhatWasWithdrawn) {
  std::mt19937_64 random(seed());
  constexpr std::size_t count = 2000;
  const auto file = markers.file("flags");
  const started_flags flags(file, count);
  runtime rt({}, processes({.workers = 1, .spares = 3}));
  std::size_t withdrawn = 0, killed = 0, values = 0;
  for (std::size_t first = 0; first < count; first += 10)
    rt.run([&](scope& s) {
      std::vector<task<int>> tasks;
      for (std::size_t i = first; i < first + 10; ++i)
        tasks.push_back(
            s.spawn({.background = true}, offload({}, set_flag, file, count, i, static_cast<int>(random() % 60))));
      for (std::size_t i = 0; i < 5; ++i) {
        s.sleep_for(std::chrono::microseconds(random() % 120));
        tasks[random() % 10].cancel("random");
      }
      for (std::size_t i = 0; i < 10; ++i) {
        auto ended = tasks[i].result();
        const auto stops = tasks[i].receipt().stops;
        ASSERT_FALSE(ended.is_error()) << how(std::move(ended));
        if (ended.has_value()) {
          ++values;
          EXPECT_TRUE(flags.is_set(first + i)) << "the control arm: a task with a value has begun";
        } else if (stops.empty() || stops[0].method == stop_method::withdrawn) {
          ++withdrawn;
          EXPECT_FALSE(flags.is_set(first + i)) << "it was withdrawn, and ran";
        } else {
          ++killed;
        }
      }
    });
  std::printf("%zu values, %zu withdrawn, %zu killed\n", values, withdrawn, killed);
  EXPECT_EQ(values + withdrawn + killed, count);
  EXPECT_GT(withdrawn, 0u);
  EXPECT_GT(killed, 0u);
  EXPECT_EQ(pool_of(rt).status().crashed, 0u);
}

}  // namespace
}  // namespace workit::test
