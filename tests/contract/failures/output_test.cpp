// A megabyte on standard error that is read, not read, or captured by the host. (T26)
#include <optional>

#include "failures.hpp"

namespace workit::test {
namespace {

class Output : public failures_test {
 protected:
  void SetUp() override {
    if (pipe2(ends_, O_CLOEXEC) != 0) abort();
    before_ = fcntl(2, F_DUPFD_CLOEXEC, 10);
    dup2(ends_[1], 2);
    close(ends_[1]);
    failures_test::SetUp();
    rt_.emplace(runtime_options{}, processes({.workers = 2, .spares = 1}));  // their stderr is the pipe
    dup2(before_, 2);
  }
  void TearDown() override {
    rt_.reset();
    failures_test::TearDown();
    close(ends_[0]);
    close(before_);
  }
  static int write_a_megabyte() {
    const std::string line(1023, 'x');
    for (int n = 0; n < 1024; ++n) std::fprintf(stderr, "%s\n", line.c_str());
    return 1;
  }

  int ends_[2] = {-1, -1};
  int before_ = -1;
  std::optional<runtime> rt_;
};

TEST_F(Output, AMegabyteThatIsReadArrives) {
  std::size_t arrived = 0;
  std::thread reader([&] {
    std::vector<char> part(1 << 16);
    while (arrived < 1 << 20) {
      const auto n = read(ends_[0], part.data(), part.size());
      if (n <= 0) return;
      arrived += static_cast<std::size_t>(n);
    }
  });
  EXPECT_EQ(rt_->run([](scope& s) { return offload({.timeout = bound(20s)}, write_a_megabyte)(s); }), 1);
  reader.join();
  EXPECT_EQ(arrived, 1u << 20);
}

TEST_F(Output, AMegabyteThatIsNotReadHoldsItsGuestAloneUntilItsLimit) {
  rt_->run([&](scope& s) {
    auto stuck = s.spawn({.background = true}, offload({.timeout = bound(300ms)}, write_a_megabyte));
    for (int n = 0; n < 20; ++n) EXPECT_EQ(adds_up(s), 5);
    EXPECT_EQ(how(stuck.result()), "timed_out");
    EXPECT_EQ(exercise(s), "");
  });
}

// --- Captured -------------------------------------------------------------------------------------------------------

class CapturedOutput : public failures_test {
 protected:
  void SetUp() override {
    failures_test::SetUp();
    rt_.emplace(runtime_options{}, processes({.workers = 2, .spares = 1, .output = worker_output::captured}));
  }
  void TearDown() override {
    rt_.reset();
    failures_test::TearDown();
  }
  /// What a call was told to have used.
  template <class F, class... Args>
  worker_usage used_by(runtime& rt, F fn, Args... args) {
    worker_usage told;
    rt.run([&](scope& s) {
      how(s.spawn({.background = true},
                  offload({.timeout = bound(20s), .on_end = [&](const worker_usage& u) { told = u; }}, fn, args...))
              .result());
    });
    return told;
  }

  std::optional<runtime> rt_;
};

int write_lines(int lines) {
  for (int n = 1; n <= lines; ++n) std::fprintf(stderr, "%1023d\n", n);
  return lines;
}

TEST_F(CapturedOutput, OfAMegabyteIsItsLast64KiBAndACount) {
  const auto used = used_by(*rt_, write_lines, 1024);
  EXPECT_EQ(used.output.size(), std::size_t{64} << 10);
  EXPECT_EQ(used.output_dropped, (std::size_t{1} << 20) - (std::size_t{64} << 10));
  EXPECT_TRUE(used.output.ends_with("1024\n"));
  const auto little = used_by(*rt_, write_lines, 2);
  EXPECT_EQ(little.output.size(), 2048u);
  EXPECT_EQ(little.output_dropped, 0u);
}

TEST_F(CapturedOutput, ControlArmWhatIsInheritedIsNotCaptured) {
  runtime rt({}, processes({.workers = 1, .output = worker_output::inherit}));
  EXPECT_EQ(used_by(rt, write_lines, 0).output, "");
}

// The megabyte is read although this thread, the loop's only one, is busy meanwhile.
TEST_F(CapturedOutput, BlocksNoTaskWhileItsLoopIsHogged) {
  rt_->run([&](scope& s) {
    auto writer = s.spawn({.background = true}, offload(
                                                    {.timeout = bound(30s)},
                                                    [](const std::string& started, const std::string& ended) {
                                                      leave_marker(started);
                                                      write_lines(1024);
                                                      leave_marker(ended);
                                                    },
                                                    markers.file("started"), markers.file("ended")));
    markers.await("started", s);
    EXPECT_TRUE(eventually([&] { return markers.has("ended"); }, bound(20s)));
    EXPECT_EQ(how(writer.result()), "value");
  });
}

TEST_F(CapturedOutput, ArrivesWithACrash) {
  rt_->run([&](scope& s) {
    try {
      offload({}, [] {
        std::printf("half of the plan\n");
        std::fprintf(stderr, "assertion failed: no plan\n");
        std::abort();
      })(s);
      ADD_FAILURE() << "it did not crash";
    } catch (const worker_crashed& e) {
      EXPECT_EQ(e.used().output, "half of the plan\nassertion failed: no plan\n");
      EXPECT_NE(std::string(e.what()).find("its last words: assertion failed: no plan"), std::string::npos) << e.what();
    }
  });
  EXPECT_EQ(used_by(*rt_,
                    [] {
                      std::fprintf(stderr, "leaving");
                      _exit(3);
                    })
                .output,
            "leaving");
}

TEST_F(CapturedOutput, ArrivesWithAStop) {
  worker_usage told;
  rt_->run([&](scope& s) {
    auto task = s.spawn({.background = true}, offload(
                                                  {.on_end = [&](const worker_usage& u) { told = u; }},
                                                  [](const std::string& mark) {
                                                    std::printf("so far so good\n");
                                                    leave_marker(mark);
                                                    spin_for_ever();
                                                  },
                                                  markers.file("written")));
    markers.await("written", s);
    task.cancel("enough");
    EXPECT_EQ(how(task.result()), "cancelled");
  });
  EXPECT_EQ(told.output, "so far so good\n");
}

TEST_F(CapturedOutput, IsThatOfTheTaskAndOfNoOther) {
  rt_->run([&](scope& s) {
    std::vector<std::string> told(200);
    std::vector<task<void>> tasks;
    for (int n = 0; n < 200; ++n)
      tasks.push_back(
          s.spawn({.background = true},
                  offload(
                      {.on_end = [&told, n](const auto& u) { told[static_cast<std::size_t>(n)] = u.output; }},
                      [](int mine) { std::printf("%d\n", mine); }, n)));
    for (auto& t : tasks) EXPECT_EQ(how(t.result()), "value");
    for (int n = 0; n < 200; ++n) EXPECT_EQ(told[static_cast<std::size_t>(n)], std::to_string(n) + "\n");
  });
}

TEST_F(CapturedOutput, LeavesNothingBehindHoweverTasksEnd) {
  EXPECT_EQ(rt_->run([](scope& s) { return exercise(s); }), "");
  EXPECT_TRUE(becomes_whole(*rt_));
  const auto before = pool_of(*rt_).status().started;
  for (int n = 0; n < 20; ++n) EXPECT_EQ(rt_->run([](scope& s) { return exercise(s); }), "");
  EXPECT_TRUE(becomes_whole(*rt_));
  EXPECT_GT(pool_of(*rt_).status().started, before + 20) << "the control arm: workers came and went";
}

/// What a host whose standard output is a pipe gets of a task that prints and is killed.
std::string printed_before_a_kill(int (*task)()) {
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) return "no pipe";
  std::fflush(nullptr);
  const unique_fd before(fcntl(1, F_DUPFD_CLOEXEC, 10));
  dup2(ends[1], 1);
  close(ends[1]);
  {
    runtime rt({}, processes({.workers = 1, .spares = 0}));  // their standard output is the pipe
    dup2(before.get(), 1);
    EXPECT_THROW(rt.run([&](scope& s) { return offload({.timeout = bound(300ms)}, task)(s); }), timed_out);
  }
  const unique_fd from(ends[0]);
  std::string text(4096, '\0');
  std::size_t size = 0;
  for (ssize_t n = 0; (n = read(from.get(), text.data() + size, text.size() - size)) > 0;)
    size += static_cast<std::size_t>(n);
  text.resize(size);
  return text;
}

int print_and_spin() {
  std::printf("a whole line\nhalf of one");
  for (volatile bool on = true; on;) {
  }
  return 0;
}

class OutputOfAKilledTask : public failures_test {};

TEST_F(OutputOfAKilledTask, ArrivesLineByLine) {
  EXPECT_EQ(printed_before_a_kill(print_and_spin), "a whole line\n") << "the control: half a line is still a buffer's";
}

}  // namespace
}  // namespace workit::test
