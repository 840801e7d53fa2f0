// What a task behind the process boundary sends to its host while it runs.
#include <csignal>
#include <random>
#include <support/seed.hpp>
#include <workit/workers/detail/control_block.hpp>

#include "shared_count.hpp"
#include "victims.hpp"

namespace workit::test {
namespace {

/// How long the test watches for a change that must not come.
constexpr auto a_while = 100ms;

class WorkerChannel : public worker_test {
 protected:
  marker_folder markers;
};

void count_to(worker_sender<int> out, int n) {
  for (int i = 0; i < n; ++i) out.send(i);
}
/// Says in a file how many it has sent.
void count_aloud(worker_sender<int> out, int n, const std::string& file) {
  shared_count sent(file);
  for (int i = 0; i < n; ++i) {
    out.send(i);
    ++*sent;
  }
}

template <class T>
std::vector<T> rest_of(const worker_channel<T>& channel) {
  std::vector<T> all;
  while (auto next = channel.receive()) all.push_back(std::move(*next));
  return all;
}
std::vector<int> up_to(int n) {
  std::vector<int> all(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) all[static_cast<std::size_t>(i)] = i;
  return all;
}

TEST_F(WorkerChannel, BringsValuesInTheirOrderAndEndsWithTheCall) {
  std::mt19937_64 random(seed());
  rt_->run([&](scope& s) {
    for (int round = 0; round < 20; ++round) {
      const worker_channel<int> numbers({.capacity = 1 + random() % 64});
      auto task = s.spawn(offload({}, count_to, numbers, 1000));
      std::vector<int> got;
      for (const int n : numbers) got.push_back(n);
      EXPECT_EQ(got, up_to(1000)) << "capacity " << numbers.capacity();
      task.get();
      EXPECT_EQ(numbers.error(), nullptr);
    }
  });
}

TEST_F(WorkerChannel, IsHeardWhileItsTaskRuns) {
  rt_->run([&](scope& s) {
    const worker_channel<std::string> words;
    const auto go = markers.file("go");
    auto task = s.spawn(offload(
        {},
        [](worker_sender<std::string> out, std::string file) {
          out.send("waiting");
          while (!std::filesystem::exists(file)) usleep(200);
          return 42;
        },
        words, go));
    EXPECT_EQ(words.receive(), "waiting");
    EXPECT_EQ(task.status(), task_status::running);
    leave_marker(go);
    EXPECT_EQ(task.get(), 42);
    EXPECT_FALSE(words.receive());
  });
}

TEST_F(WorkerChannel, CarriesAllThatTravelsAndSeveralOfThemGoWithOneCall) {
  rt_->run([&](scope& s) {
    const worker_channel<std::pair<std::string, std::vector<double>>> rows({.capacity = 4});
    const worker_channel<shared_buffer> blocks;
    auto task = s.spawn(offload(
        {},
        [](context& ctx, worker_sender<std::pair<std::string, std::vector<double>>> out,
           worker_sender<shared_buffer> big) {
          for (int i = 0; i < 4; ++i) out.send({"row " + std::to_string(i), std::vector<double>(3, i)});
          shared_buffer block(1 << 20);
          block.write<int>()[7] = 77;
          big.send(block);
          return ctx.name();
        },
        rows, blocks));
    const auto block = blocks.receive();
    ASSERT_TRUE(block);
    EXPECT_EQ(block->size(), 1U << 20);
    EXPECT_EQ(block->read<int>()[7], 77);
    const auto all = rest_of(rows);
    ASSERT_EQ(all.size(), 4U);
    EXPECT_EQ(all[3], std::pair(std::string("row 3"), std::vector<double>(3, 3)));
    task.get();
  });
}

/// 1 MiB that says which one it is, in every word.
std::vector<std::uint64_t> block_of(std::uint64_t n) { return std::vector<std::uint64_t>(1 << 17, n * 2654435761U); }

TEST_F(WorkerChannel, CarriesValuesOfAMebibyteBeyondWhatTheLineHolds) {
  rt_->run([&](scope& s) {
    const worker_channel<std::vector<std::uint64_t>> blocks({.capacity = 2});
    auto task = s.spawn(offload(
        {},
        [](worker_sender<std::vector<std::uint64_t>> out) {
          for (std::uint64_t i = 0; i < 20; ++i) out.send(block_of(i));
        },
        blocks));
    std::uint64_t n = 0;
    for (const auto& block : blocks) EXPECT_EQ(block, block_of(n++));
    EXPECT_EQ(n, 20U);
    task.get();
  });
}

TEST_F(WorkerChannel, HoldsItsSenderAtItsCapacityUntilAReceive) {
  for (const bool received : {false, true}) {  // the control arm: with a receiver the same sender goes on to its end
    rt_->run([&](scope& s) {
      const auto file = markers.file(received ? "with" : "without");
      shared_count sent(file);
      const worker_channel<int> numbers({.capacity = 5});
      auto task = s.spawn(offload({}, count_aloud, numbers, 1000, file));
      if (received) {
        EXPECT_EQ(rest_of(numbers), up_to(1000));
        task.get();
        EXPECT_EQ((*sent).load(), 1000);
        return;
      }
      while (*sent < 5) s.sleep_for(1ms);
      s.sleep_for(a_while);
      EXPECT_EQ((*sent).load(), 5) << "the bound";
      EXPECT_EQ(numbers.size(), 5U);
      EXPECT_EQ(numbers.receive(), 0);
      while (*sent < 6) s.sleep_for(1ms);
      s.sleep_for(a_while);
      EXPECT_EQ((*sent).load(), 6) << "room for one, no more";
      task.cancel("enough");  // it is killed where it waits
      task.wait();
      EXPECT_EQ(task.status(), task_status::cancelled);
      EXPECT_EQ(rest_of(numbers), (std::vector<int>{1, 2, 3, 4, 5})) << "what was sent is received";
      EXPECT_THROW(std::rethrow_exception(numbers.error()), channel_closed);
    });
  }
}

TEST_F(WorkerChannel, AskedToStopWhileItWaitsForRoomItLeavesByItself) {
  const auto file = markers.file("sent"), cleaned = markers.file("cleaned");
  kept_receipt receipt;
  rt_->run({.on_receipt = receipt.keeper()}, [&](scope& s) {
    shared_count sent(file);
    const worker_channel<int> numbers;
    auto task = s.spawn(offload(
        {.grace = 60s},
        [](worker_context& ctx, worker_sender<int> out, std::string to, std::string mark) {
          ctx.defer([mark] { leave_marker(mark); });
          count_aloud(out, 1000, to);
        },
        numbers, file, cleaned));
    while (*sent < 1) s.sleep_for(1ms);
    s.sleep_for(1ms);
    task.cancel("enough");
    task.wait();
  });
  EXPECT_TRUE(markers.has("cleaned"));
  EXPECT_EQ(receipt.get().stops.at(0).receipt.method, stop_method::cooperative);
}

// --- How it ends

/// The values of a channel, and the error at its end.
template <class Error>
std::pair<std::vector<int>, std::optional<Error>> all_and_error(const worker_channel<int>& from) {
  std::pair<std::vector<int>, std::optional<Error>> got;
  try {
    for (const int n : from) got.first.push_back(n);
  } catch (const Error& e) {
    got.second = e;
  }
  return got;
}

TEST_F(WorkerChannel, OfAWorkerThatCrashesGivesWhatWasSentAndThenItsError) {
  for (const bool crashes : {true, false}) {
    rt_->run([&](scope& s) {
      const worker_channel<int> numbers({.capacity = 8});
      auto task = s.spawn({.background = true}, offload(
                                                    {},
                                                    [](worker_sender<int> out, bool crash) {
                                                      for (int i = 0; i < 3; ++i) out.send(i);
                                                      if (crash) raise(SIGSEGV);
                                                    },
                                                    numbers, crashes));
      const auto [got, error] = all_and_error<worker_crashed>(numbers);
      EXPECT_EQ(got, up_to(3));
      EXPECT_EQ(error.has_value(), crashes) << "the control arm ends in peace";
      if (error) {
        EXPECT_EQ(error->signal(), SIGSEGV);
      }
      EXPECT_EQ(task.result().is_error(), crashes);
    });
  }
}

TEST_F(WorkerChannel, ThatCrashesInTheMiddleOfAValueNeverGivesHalfOfIt) {
  rt_->run([&](scope& s) {
    const worker_channel<std::string> texts({.capacity = 4});
    s.spawn({.background = true}, offload(
                                      {},
                                      [](worker_sender<std::string> out) {
                                        out.send(std::string(100'000, 'a'));
                                        std::thread([] {
                                          usleep(300);
                                          raise(SIGKILL);
                                        }).detach();
                                        for (;;) out.send(std::string(100'000, 'b'));
                                      },
                                      texts));
    std::size_t n = 0;
    EXPECT_THROW(
        {
          for (const auto& text : texts) {
            EXPECT_EQ(text.size(), 100'000U);
            EXPECT_EQ(text.find_first_not_of(n == 0 ? 'a' : 'b'), std::string::npos);
            ++n;
          }
        },
        killed_externally);
    EXPECT_GE(n, 1U);
  });
}

TEST_F(WorkerChannel, KilledByTheTimeOutOfItsCallGivesWhatWasSentAndThenTimesOut) {
  const auto file = markers.file("sent");
  shared_count sent(file);
  rt_->run([&](scope& s) {
    const worker_channel<int> numbers({.capacity = 8});
    auto task = s.spawn({.background = true}, offload(
                                                  {.timeout = 50ms},
                                                  [](worker_sender<int> out, std::string to) {
                                                    count_aloud(out, 3, to);
                                                    for (;;) {
                                                    }
                                                  },
                                                  numbers, file));
    task.wait();  // long before the first receive
    const auto [got, error] = all_and_error<timed_out>(numbers);
    EXPECT_EQ(got, up_to(static_cast<int>(got.size())));
    EXPECT_GE(got.size(), static_cast<std::size_t>(*sent)) << "three, where the machine is not too slow";
    EXPECT_TRUE(error);
  });
}

// Without the read of the task channel after the stop, values that the loop has not read would be lost.
TEST_F(WorkerChannel, OfATaskThatIsKilledAtAnyMomentGivesAllThatItKnowsToBeSent) {
  std::mt19937_64 random(seed());
  for (int round = 0; round < 60; ++round) {
    rt_->run([&](scope& s) {
      const auto file = markers.file("sent" + std::to_string(round));
      shared_count sent(file);
      const worker_channel<int> numbers({.capacity = 100'000});
      auto task = s.spawn(offload({}, count_aloud, numbers, 100'000, file));
      while (*sent == 0) s.yield();
      spin_for(std::chrono::milliseconds(random() % 3));  // the loop is blocked: what is sent stays in the task channel
      task.cancel("enough");
      task.wait();
      const auto known = static_cast<std::size_t>(*sent);
      const auto got = rest_of(numbers);
      EXPECT_EQ(got, up_to(static_cast<int>(got.size())));
      EXPECT_GE(got.size(), known) << "round " << round;
      EXPECT_LE(got.size(), known + 1);
    });
  }
}

TEST_F(WorkerChannel, OfACallThatNeverBeganIsClosedAllTheSame) {
  rt_->run([&](scope& s) {
    const worker_channel<int> numbers, others;
    EXPECT_THROW(offload({.pool = "nowhere"}, count_to, numbers, 3)(s), start_failed);
    EXPECT_THROW(
        {
          for ([[maybe_unused]] const int n : numbers) ADD_FAILURE();
        },
        start_failed);
    { const auto dropped = offload({}, count_to, others, 3); }
    EXPECT_FALSE(others.receive());
    EXPECT_EQ(describe(*std::get<1>(all_and_error<channel_closed>(others))->why()), "manual: stream_producer_gone");
  });
}

TEST_F(WorkerChannel, OfACallThatIsOverGivesNoRoomToTheNextOneOnItsWorker) {
  runtime rt({}, processes({.workers = 1, .spares = 0}));
  rt.run([&](scope& s) {
    const auto file = markers.file("sent");
    shared_count sent(file);
    const worker_channel<int> before({.capacity = 3}), now;
    offload({}, count_to, before, 3)(s);
    auto task = s.spawn({.background = true}, offload({}, count_aloud, now, 100, file));
    while (*sent < 1) s.sleep_for(1ms);
    EXPECT_EQ(rest_of(before), up_to(3));
    s.sleep_for(a_while);
    EXPECT_EQ((*sent).load(), 1);
    EXPECT_EQ(rest_of(now), up_to(100));
    task.get();
  });
}

// --- The receiver

TEST_F(WorkerChannel, LeftByItsReceiverTellsItsSender) {
  rt_->run([&](scope& s) {
    auto call = [&] {
      const worker_channel<int> numbers({.capacity = 2});
      auto task = s.spawn({.background = true}, offload({}, count_to, numbers, 1'000'000));
      EXPECT_EQ(numbers.receive(), 0);
      return task;
    }();  // here the last handle goes
    try {
      call.get();
      ADD_FAILURE() << "it went on without a receiver";
    } catch (const remote_error& e) {
      EXPECT_EQ(e.type(), "workit::channel_closed");
      EXPECT_NE(e.message().find("stream_consumer_closed"), std::string::npos) << e.message();
    }
  });
}

TEST_F(WorkerChannel, OfAScopeThatEndsTakesItsTaskAlong) {
  const auto file = markers.file("sent");
  shared_count sent(file);
  const worker_channel<int> numbers({.capacity = 2});  // outlives the scope
  time_point returned{};
  rt_->run([&](scope& s) {
    EXPECT_THROW(s.scope([&](scope& page) {
      page.spawn(offload(
          {},
          [](worker_sender<int> out, std::string to, std::string started, std::string ended) {
            count_aloud(out, 3, to);
            spin_and_mark(started, ended, natural_end.count());
          },
          numbers, file, markers.file("started"), markers.file("ended")));
      EXPECT_EQ(numbers.receive(), 0);
      markers.await("started", page);
      throw std::runtime_error("the client has gone");
    }),
                 std::runtime_error);
    returned = std::chrono::steady_clock::now();
    EXPECT_EQ(rest_of(numbers), (std::vector<int>{1, 2}));
    EXPECT_TRUE(std::get<1>(all_and_error<channel_closed>(numbers))->why());
  });
  let_out(markers.file("started"));
  EXPECT_FALSE(markers.has("ended")) << "the task outlived its scope";
  EXPECT_LE(heartbeat(markers.file("started.beat")).last(), returned);
}

// --- Misuse

TEST_F(WorkerChannel, IsFedByOneCallOnce) {
  rt_->run([&](scope& s) {
    const worker_channel<int> numbers({.capacity = 1});
    const auto call = offload({}, count_to, numbers, 2);
    auto first = s.spawn(call);
    s.yield();
    EXPECT_THROW(call(s), std::logic_error);
    EXPECT_EQ(rest_of(numbers), up_to(2));
    first.get();
    EXPECT_THROW(call(s), channel_closed);
  });
}

TEST_F(WorkerChannel, NeedsAWorkerProcess) {
  const worker_channel<int> numbers;
  try {
    (void)offload({.boundary = boundary::thread}, count_to, numbers, 3);
    FAIL();
  } catch (const std::invalid_argument& e) {
    EXPECT_NE(std::string(e.what()).find("worker_sender needs boundary::process"), std::string::npos) << e.what();
  }
  EXPECT_THROW((void)offload(
                   {}, [](std::vector<worker_sender<int>> all) { return all.size(); },
                   std::vector<worker_sender<int>>(5, numbers)),
               wire_error)
      << "more than four";
}

TEST_F(WorkerChannel, HoldsEachValueAgainstTheLimitOfOutput) {
  rt_->run([&](scope& s) {
    for (const std::size_t size : {100U, 100'000U}) {
      const worker_channel<std::string> texts;
      auto task = s.spawn(
          {.background = true},
          offload(
              {.limits = {.output = 10'000}},
              [](worker_sender<std::string> out, std::size_t n) { out.send(std::string(n, 'x')); }, texts, size));
      EXPECT_EQ(rest_of(texts).size(), size == 100 ? 1U : 0U);
      if (size > 100) {
        EXPECT_THROW(task.get(), resource_exceeded);
      }
    }
  });
}

/// As a worker that breaks the protocol: more values than there is room for, pieces that fit nowhere.
TEST_F(WorkerChannel, LeavesNoRoomToLie) {
  rt_->run([&](scope& s) {
    const worker_channel<int> numbers({.capacity = 2});
    auto task =
        s.spawn({.background = true},
                offload(
                    {},
                    [](worker_sender<int> out) {
                      out.send(0);
                      out.send(1);
                      // Its own page, as mapped: it gives itself room without end.
                      std::ifstream maps("/proc/self/maps");
                      for (std::string line; std::getline(maps, line);) {
                        if (line.find("workit-worker") == std::string::npos || line.find(" 00000000 ") == line.npos)
                          continue;
                        auto* page = reinterpret_cast<workers::control_block*>(std::stoul(line, nullptr, 16));
                        page->channels[0].room.store(1000 * workers::channel_word::one);
                        break;
                      }
                      for (int i = 2; i < 10; ++i) out.send(i);
                    },
                    numbers));
    task.wait();
    const auto [got, error] = all_and_error<wire_error>(numbers);
    EXPECT_EQ(got, up_to(2));
    EXPECT_TRUE(error);
    EXPECT_EQ(offload({}, [] { return 5; })(s), 5);
  });
}

}  // namespace
}  // namespace workit::test
