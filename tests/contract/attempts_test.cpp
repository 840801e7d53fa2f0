// Tasks that are declared idempotent and given to another worker when theirs has died.
#include <csignal>
#include <random>
#include <support/processes_below.hpp>
#include <support/seed.hpp>
#include <workit/base/event.hpp>
#include <workit/workers/sandbox.hpp>

#include "shared_count.hpp"
#include "victims.hpp"

namespace workit::test {
namespace {

/// How a task ends without a value.
enum class ending { crash, exit, kill, zygote, exception, output, cpu, spin };

/// Counts its attempts in a file; the first `bad` of them end otherwise than by a value.
int attempt(const std::string& file, int bad, ending how) {
  shared_count begun(file);
  const int number = ++*begun;
  if (number > bad) return number;
  switch (how) {
    case ending::crash:
      raise(SIGSEGV);
      break;
    case ending::exit:
      _exit(0);
    case ending::kill:
      raise(SIGKILL);
      break;
    case ending::zygote:
      kill(getppid(), SIGKILL);
      for (;;) {  // dies of its parent's death
      }
    case ending::exception:
      throw std::runtime_error("no such row");
    case ending::output:
    case ending::cpu:
    case ending::spin:
      for (;;) {
      }
  }
  return 0;
}

class Attempts : public worker_test {
 protected:
  int begun(const std::string& name) { return *shared_count(markers.file(name)); }
  marker_folder markers;
};

/// The events of a root scope that tell of another attempt.
auto keep_retries(std::vector<std::size_t>& to) {
  return [&to](const lifecycle_event& e) {
    if (const auto* r = std::get_if<event::task_retrying>(&e.body)) {
      to.push_back(r->attempt);
      EXPECT_THROW(std::rethrow_exception(r->error), worker_crashed);
    }
  };
}

TEST_F(Attempts, GiveATaskWhoseWorkerDiedToAnotherAndTellOfEach) {
  for (const auto how : {ending::crash, ending::exit, ending::kill}) {
    const auto name = "begun" + std::to_string(static_cast<int>(how));
    std::vector<worker_usage> used;
    std::vector<std::size_t> retries;
    rt_->run([&](scope& s) {
      s.on_event(keep_retries(retries)).keep();
      EXPECT_EQ(offload({.idempotent = true, .attempts = 3, .on_end = [&](const auto& u) { used.push_back(u); }},
                        attempt, markers.file(name), 2, how)(s),
                3);
    });
    EXPECT_EQ(begun(name), 3);
    EXPECT_EQ(retries, (std::vector<std::size_t>{2, 3}));
    ASSERT_EQ(used.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(used[i].attempt, i + 1);
      EXPECT_GT(used[i].worker, 0);
      EXPECT_EQ(used[i].cpu.has_value(), i == 2) << "the dead say nothing";
    }
    EXPECT_NE(used[0].worker, used[1].worker);
  }
}

TEST_F(Attempts, AreMadeForATaskThatWasLostWithItsZygote) {
  rt_->run([&](scope& s) {
    EXPECT_THROW(offload({}, attempt, markers.file("once"), 1, ending::zygote)(s), zygote_lost) << "the control arm";
    EXPECT_EQ(offload({.idempotent = true, .attempts = 2}, attempt, markers.file("twice"), 1, ending::zygote)(s), 2);
  });
  EXPECT_EQ(begun("once"), 1);
  EXPECT_EQ(begun("twice"), 2);
}

TEST_F(Attempts, AreOneUnlessItIsSaidOtherwise) {
  rt_->run([&](scope& s) {
    EXPECT_THROW(offload({}, attempt, markers.file("begun"), 2, ending::crash)(s), worker_crashed);
    EXPECT_EQ(begun("begun"), 1);
    EXPECT_THROW(offload({.idempotent = true}, attempt, markers.file("begun"), 2, ending::crash)(s), worker_crashed);
    EXPECT_EQ(begun("begun"), 2);
  });
}

TEST_F(Attempts, AreBounded) {
  rt_->run([&](scope& s) {
    try {
      offload({.idempotent = true, .attempts = 4}, attempt, markers.file("begun"), 100, ending::crash)(s);
      ADD_FAILURE();
    } catch (const worker_crashed& e) {
      EXPECT_EQ(e.used().attempt, 4U) << "the last one's error";
    }
    EXPECT_EQ(begun("begun"), 4);
    EXPECT_EQ(offload({}, attempt, markers.file("other"), 0, ending::crash)(s), 1) << "the pool goes on";
  });
}

TEST_F(Attempts, AreNotMadeAfterAnAnswerOrALimit) {
  rt_->run([&](scope& s) {
    EXPECT_THROW(offload({.idempotent = true, .attempts = 9}, attempt, markers.file("a"), 9, ending::exception)(s),
                 remote_error);
    EXPECT_EQ(begun("a"), 1);
    EXPECT_THROW(offload({.limits = {.cpu = 20ms}, .idempotent = true, .attempts = 9}, attempt, markers.file("b"), 9,
                         ending::cpu)(s),
                 resource_exceeded);
    EXPECT_EQ(begun("b"), 1);
    EXPECT_THROW(
        offload({.timeout = 20ms, .idempotent = true, .attempts = 9}, attempt, markers.file("c"), 9, ending::spin)(s),
        timed_out);
    EXPECT_LE(begun("c"), 1);
  });
}

TEST_F(Attempts, AreNotMadeAfterAStop) {
  rt_->run([&](scope& s) {
    auto task = s.spawn(offload({.idempotent = true, .attempts = 9}, attempt, markers.file("begun"), 9, ending::spin));
    while (begun("begun") == 0) s.sleep_for(1ms);
    task.cancel("enough");
    task.wait();
    EXPECT_EQ(task.status(), task_status::cancelled);
    EXPECT_EQ(begun("begun"), 1);
  });
}

TEST_F(Attempts, AreNotMadeAfterAForbiddenSystemCall) {
  if (!workers::missing_for_sandbox().empty()) GTEST_SKIP() << workers::missing_for_sandbox();
  runtime rt({}, processes({.workers = 1, .sandbox = sandbox::compute_only}));
  std::vector<worker_usage> used;
  rt.run([&](scope& s) {
    EXPECT_THROW(offload({.idempotent = true, .attempts = 9, .on_end = [&](const auto& u) { used.push_back(u); }},
                         [] { return open("/etc/passwd", O_RDONLY); })(s),
                 sandbox_violated);
  });
  EXPECT_EQ(used.size(), 1U);
}

TEST_F(Attempts, AreNotMadeOnceTheScopeIsStopping) {
  for (const bool stops : {true, false}) {
    const auto name = stops ? "stopping" : "going on";
    const auto run = [&] {
      rt_->run([&](scope& s) {
        offload({.idempotent = true,
                 .attempts = 3,
                 .on_end =
                     [&](const worker_usage&) {
                       if (stops) s.cancel("enough");
                     }},
                attempt, markers.file(name), 1, ending::crash)(s);
      });
    };
    if (stops)
      EXPECT_THROW(run(), scope_cancelled);
    else
      run();
    EXPECT_EQ(begun(name), stops ? 1 : 2);
  }
}

TEST_F(Attempts, ShareOneTimeOut) {
  rt_->run([&](scope& s) {
    // Each may run out at any moment of an attempt, and between two of them.
    for (int round = 0; round < 20; ++round)
      EXPECT_THROW(offload({.timeout = 20ms + round * 50us, .idempotent = true, .attempts = 1'000}, attempt,
                           markers.file("begun"), 1'000'000, ending::crash)(s),
                   timed_out);
  });
  EXPECT_LT(begun("begun"), 20 * 1'000);
}

TEST_F(Attempts, EndByAnErrorThatAListenerThrows) {
  rt_->run([&](scope& s) {
    EXPECT_THROW(offload({.timeout = 1h,
                          .idempotent = true,
                          .attempts = 9,
                          .on_end = [](const worker_usage&) { throw std::logic_error("no room"); }},
                         attempt, markers.file("begun"), 9, ending::crash)(s),
                 std::logic_error);
    EXPECT_EQ(begun("begun"), 1);
  });
}

int own_pid() { return getpid(); }

// A worker dies before its task has begun: nothing of it ran, and with a second attempt the call succeeds.
TEST_F(Attempts, HideTheDeathOfAWorkerThatWasIdle) {
  std::mt19937_64 random(seed());
  const auto calls_after_a_kill = [&](const offload_options& options) {
    return rt_->run([&](scope& s) {
      const auto victim = offload({.idempotent = true, .attempts = 20}, own_pid)(s);
      auto call = s.spawn({.background = true}, offload(options, own_pid));
      if (random() % 2 == 0) s.yield();
      kill(victim, SIGKILL);
      return !call.result().is_error();
    });
  };
  int failed = 0;
  for (int i = 0; i < 5'000 && failed < 3; ++i) failed += !calls_after_a_kill({});
  EXPECT_EQ(failed, 3) << "the control arm";
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(calls_after_a_kill({.idempotent = true, .attempts = 20})) << "round " << i;
}

TEST_F(Attempts, RefuseWhatCannotBe) {
  const auto sentence = [](offload_options options) {
    try {
      (void)offload(std::move(options), own_pid);
    } catch (const std::invalid_argument& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_NE(sentence({.attempts = 2}).find("is not declared idempotent"), std::string::npos);
  EXPECT_NE(sentence({.idempotent = true, .attempts = 0}).find("attempts is 0; it may be 1 to 1,000"),
            std::string::npos);
  EXPECT_NE(sentence({.idempotent = true, .attempts = 1'001}).find("attempts is 1001"), std::string::npos);
  EXPECT_NE(sentence({.boundary = boundary::thread, .idempotent = true, .attempts = 2}).find("boundary::process"),
            std::string::npos);
  EXPECT_EQ(sentence({.idempotent = true, .attempts = 2}), "");
  const worker_channel<int> numbers;
  EXPECT_THROW((void)offload(
                   {.idempotent = true, .attempts = 2}, [](worker_sender<int> out) { out.send(1); }, numbers),
               std::invalid_argument);
}

}  // namespace
}  // namespace workit::test
