// Runtimes and processes that tasks make for themselves.
#include <sys/wait.h>

#include <gmock/gmock.h>

#include <support/error_of.hpp>
#include <support/processes_below.hpp>

#include "victims.hpp"

namespace workit::test {
namespace {

class Nested : public worker_test {};

int doubled(int x) { return 2 * x; }

/// With a pool of its own, wherever it runs.
int doubled_by_a_worker(int x) {
  runtime own({}, processes({.workers = 1, .spares = 0}));
  return own.run([&](scope& s) { return offload({}, doubled, x)(s); });
}

TEST_F(Nested, PoolsServeTheTaskThatMakesThem) {
  rt_->run([](scope& s) {
    EXPECT_EQ(offload({}, doubled_by_a_worker, 21)(s), 42);
    const auto first = offload({}, getpid)(s);
    EXPECT_EQ(offload(
                  {}, [](int x) { return doubled_by_a_worker(doubled_by_a_worker(x)); }, 10)(s),
              40);
    EXPECT_EQ(offload({}, getpid)(s), first) << "they leave nothing behind";
  });
}

TEST_F(Nested, PoolsServeATaskOfAnArena) {
  runtime rt({}, arena({.threads = 1}));
  rt.run([](scope& s) { EXPECT_EQ(offload({.boundary = boundary::cooperative}, doubled_by_a_worker, 21)(s), 42); });
}

/// Marks its start, and is never told to end.
void spin_in_a_worker(const std::string& started) {
  runtime own({}, processes({.workers = 1, .spares = 0}));
  own.run([&](scope& s) {
    offload(
        {},
        [](const std::string& marker) {
          leave_marker(marker);
          spin_for(60s);
        },
        started)(s);
  });
}

TEST_F(Nested, PoolsDieWithTheWorkerThatHasThem) {
  const marker_folder markers;
  rt_->run([&](scope& s) {
    const auto before = processes_below().size();
    auto doomed = s.spawn(offload({}, spin_in_a_worker, markers.file("started")));
    markers.await("started", s);
    EXPECT_GT(processes_below().size(), before) << "the control";
    doomed.cancel("enough");
    doomed.wait();
    while (processes_below().size() > before) s.sleep_for(1ms);
  });
}

/// What offload says in a scope without pools.
std::string refusal(context& ctx, boundary where) {
  return error_of([&] { offload({.boundary = where}, doubled, 1)(ctx); });
}

TEST_F(Nested, OffloadInAWorkersScopeSaysWhatToDo) {
  rt_->run([](scope& s) {
    for (const auto where : {boundary::process, boundary::thread, boundary::cooperative}) {
      const auto why = offload({}, refusal, where)(s);
      EXPECT_NE(why.find("the scope of a task in a worker process has none: let the host make this call"),
                std::string::npos)
          << why;
    }
  });
  runtime without;
  without.run([](scope& s) {
    EXPECT_NE(refusal(s, boundary::process).find("this runtime has none: make it with"), std::string::npos)
        << "the control";
  });
}

int found_in_preload = 0;
runtime* kept_runtime = nullptr;

TEST_F(Nested, PoolsServeAPreload) {
  runtime rt({}, processes({.workers = 1, .preload = [] { found_in_preload = doubled_by_a_worker(21); }}));
  rt.run([](scope& s) { EXPECT_EQ(offload({}, [] { return found_in_preload; })(s), 42); });
}

TEST_F(Nested, ARuntimeThatAPreloadKeepsIsRefused) {
  const auto why = error_of([] { runtime rt({}, processes({.workers = 1, .preload = [] { new runtime; }})); });
  EXPECT_THAT(why, testing::HasSubstr(" and cannot be forked"));
  EXPECT_THAT(why, testing::HasSubstr("preload, or a library it loads, has started them"));
}

TEST_F(Nested, PoolsOfAWorkerInitCostNoWorker) {
  runtime rt({}, processes({.workers = 1, .spares = 0, .worker_init = [] {
                              kept_runtime = new runtime({}, processes({.workers = 1, .spares = 0}));
                            }}));
  const auto use = [](int x) {
    const auto found = kept_runtime->run([&](scope& s) { return offload({}, doubled, x)(s); });
    return std::pair(found, getpid());
  };
  rt.run([&](scope& s) {
    const auto first = offload({}, use, 1)(s);
    for (int i = 2; i < 5; ++i) EXPECT_EQ(offload({}, use, i)(s), std::pair(2 * i, first.second));
    // The control: a child more.
    offload({}, [] {
      if (fork() == 0) pause();
    })(s);
    EXPECT_NE(offload({}, use, 1)(s).second, first.second);
  });
}

/// The child returns from the task or leaves it by an exception, as if it were the worker; whether it has just ended.
bool fork_and_return(bool by_exception) {
  const pid_t child = fork();
  if (child == 0) {
    if (by_exception) throw std::runtime_error("of the child");
    return false;
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_F(Nested, AForkedChildThatComesBackFromItsTaskEnds) {
  runtime rt({}, processes({.workers = 1, .spares = 0}), arena({.threads = 1}));
  rt.run([](scope& s) {
    const auto worker = offload({}, getpid)(s);
    for (const bool by_exception : {false, true}) {
      EXPECT_TRUE(offload({}, fork_and_return, by_exception)(s));
      EXPECT_TRUE(offload({.boundary = boundary::cooperative}, fork_and_return, by_exception)(s));
      EXPECT_TRUE(offload(
          {}, [](context&, bool thrown) { return fork_and_return(thrown); }, by_exception)(s));
    }
    EXPECT_EQ(offload({}, getpid)(s), worker);
  });
}

/// What a forked child of this process writes to its standard error, and the signal that it dies of.
template <class F>
std::pair<std::string, int> told_by_a_forked_child(F act) {
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], 2);
    act();
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  for (char c = 0; read(ends[0], &c, 1) == 1;) text += c;
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return {text, WIFSIGNALED(status) ? WTERMSIG(status) : 0};
}

TEST_F(Nested, OffloadInAForkedChildSaysThatItsRuntimeIsTheParents) {
  rt_->run([](scope& s) {
    const auto [text, signal] = told_by_a_forked_child([&] { offload({}, doubled, 1)(s); });
    EXPECT_EQ(signal, SIGABRT) << text;
    EXPECT_NE(text.find("offload was called in a forked child"), std::string::npos) << text;
    EXPECT_EQ(offload({}, doubled, 1)(s), 2) << "the control: the parent";
  });
}

TEST_F(Nested, ARuntimeIsNotUsedNorEndedInAForkedChild) {
  for (const auto& act : {std::function<void()>([&] { rt_->run([](scope&) {}); }),
                          std::function<void()>([&] { rt_->spawn({}, [](scope&) {}); }),
                          std::function<void()>([&] { rt_->shutdown(); })}) {
    const auto [text, signal] = told_by_a_forked_child(act);
    EXPECT_EQ(signal, SIGABRT) << text;
    EXPECT_NE(text.find("was called in a forked child, but runtime \"workit\""), std::string::npos) << text;
  }
  const auto own = told_by_a_forked_child([] {
    runtime alone({.io_threads = 0});
    alone.run([](scope&) {});
  });
  EXPECT_EQ(own.second, 0) << "the control: one of its own " << own.first;
}

}  // namespace
}  // namespace workit::test
