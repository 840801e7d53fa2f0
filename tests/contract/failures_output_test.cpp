// A megabyte on standard error, read by somebody or by nobody. (T26)
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

TEST_F(Output, AMegabyteThatSomebodyReadsArrives) {
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

TEST_F(Output, AMegabyteThatNobodyReadsHoldsItsGuestAloneUntilItsLimit) {
  rt_->run([&](scope& s) {
    auto stuck = s.spawn({.background = true}, offload({.timeout = bound(300ms)}, write_a_megabyte));
    for (int n = 0; n < 20; ++n) EXPECT_EQ(adds_up(s), 5);
    EXPECT_EQ(how(stuck.result()), "timed_out");
    EXPECT_EQ(exercise(s), "");
  });
}

}  // namespace
}  // namespace workit::test
