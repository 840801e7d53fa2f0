// RLIMIT_FSIZE counts files of memory, too: a value beyond it is an error with a sentence, and no process ends by
// SIGXFSZ.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <string>
#include <support/error_of.hpp>
#include <support/fixture.hpp>
#include <system_error>
#include <workit/workers/with_args.hpp>
#include <workit/workit.hpp>

namespace workit::test {
namespace {

constexpr std::size_t limit = 1 << 20;
constexpr std::size_t large = 2 << 20;

class FileLimit : public runtime_test {
 protected:
  FileLimit() {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit lower = before_;
    lower.rlim_cur = limit;
    ::setrlimit(RLIMIT_FSIZE, &lower);
  }
  ~FileLimit() override { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

std::size_t size_of(const std::string& text) { return text.size(); }
std::string text_of(std::size_t size) { return std::string(size, 'r'); }
void keep(const std::string&) {}

TEST_F(FileLimit, RefusesWhatIsLargerAtEachEndOfACall) {
  runtime rt({}, processes({.workers = 1}));
  rt.run([](scope& s) {
    const auto small = [&] { return offload(size_of, std::string(10, 'a'))(s); };
    EXPECT_EQ(small(), 10u) << "the control";
    EXPECT_EQ(offload(text_of, limit / 2)(s).size(), limit / 2) << "the control";
    EXPECT_THROW(offload(size_of, std::string(large, 'a'))(s), start_failed);
    EXPECT_NE(error_of([&] { offload(size_of, std::string(large, 'a'))(s); }).find("RLIMIT_FSIZE"), std::string::npos);
    EXPECT_EQ(small(), 10u) << "the worker was not used up";
    EXPECT_THROW(offload(text_of, large)(s), remote_error);
    EXPECT_NE(error_of([&] { offload(text_of, large)(s); }).find("the result could not be written"), std::string::npos);
    EXPECT_EQ(small(), 10u);
  });
}

TEST_F(FileLimit, RefusesASharedBufferThatIsLarger) {
  EXPECT_EQ(shared_buffer(limit).size(), limit) << "the control";
  try {
    shared_buffer too_large(limit + 1);
    ADD_FAILURE() << "the limit does not hold";
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code().value(), EFBIG);
    EXPECT_NE(std::string(e.what()).find("RLIMIT_FSIZE"), std::string::npos) << e.what();
  }
}

TEST_F(FileLimit, RefusesArgumentsOfAPreloadThatAreLarger) {
  const auto start = [](std::size_t size) {
    runtime rt({}, processes({.workers = 1, .preload = with_args(keep, std::string(size, 'p'))}));
  };
  start(limit / 2);
  EXPECT_THROW(start(large), start_failed);
}

}  // namespace
}  // namespace workit::test
