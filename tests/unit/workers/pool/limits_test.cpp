// Limits of a task: the same task without the limit comes to its natural end.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cstring>
#include <ctime>
#include <fstream>
#include <support/processes_below.hpp>
#include <system_error>
#include <workit/base/errors.hpp>
#include <workit/workers/detail/control_block.hpp>

#include "pool_host.hpp"
#include "run_program.hpp"

namespace workit::test {
namespace {

using namespace workers;

constexpr bool sanitized = WORKIT_TEST_SLOWNESS > 1;
constexpr std::uint64_t mib = 1 << 20;

std::chrono::nanoseconds processor_time() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

/// Uses that much processor time, then comes to its natural end.
int burn(int ms) {
  const auto end = processor_time() + std::chrono::milliseconds(ms);
  while (processor_time() < end) {
  }
  return ms;
}

std::uint64_t fill(std::uint64_t size) {
  const std::vector<char> filled(size, 'x');
  return filled.size() + static_cast<std::uint64_t>(filled[size / 2] == 'y');
}

std::uint64_t fill_in_pieces(std::uint64_t size) {
  std::vector<std::string> pieces;
  for (std::uint64_t n = 0; n < size; n += 1000) pieces.emplace_back(1000, 'x');
  return pieces.size() * 1000;
}

std::uint64_t fill_noexcept(std::uint64_t size) noexcept { return fill(size); }

std::string text_of(std::uint64_t size) { return std::string(size, 'x'); }

/// The outcome of a call under the limits of one task.
template <class F, class... A>
job_result end_under(pool_host& host, const process_limits& limits, F&& fn, A&&... args) {
  const auto task = host.make_job(std::forward<F>(fn), std::forward<A>(args)...);
  task->limits = values_of(limits);
  host.pool.submit(task);
  task->wait();
  EXPECT_EQ(task->times_settled(), 1);
  return std::move(task->result);
}

void expect_exceeded(const job_result& result, resource what, std::uint64_t limit) {
  ASSERT_TRUE(std::holds_alternative<job_exceeded>(result)) << "alternative " << result.index();
  EXPECT_EQ(std::get<job_exceeded>(result).what, what);
  EXPECT_EQ(std::get<job_exceeded>(result).limit, limit);
}

class Limits : public testing::Test {
 protected:
  static void SetUpTestSuite() { host_ = std::make_unique<pool_host>(process_options{.workers = 1, .spares = 1}); }
  static void TearDownTestSuite() { host_.reset(); }
  pool_host& host() { return *host_; }
  /// The pool survives, and the next task has a worker of its own.
  void expect_another_worker(pid_t not_this) {
    EXPECT_NE(host_->call([] { return getpid(); }), not_this);
  }
  static inline std::unique_ptr<pool_host> host_;
};

TEST_F(Limits, ATaskThatNeedsMoreMemoryEndsAndItsWorkerIsReplaced) {
  if (sanitized) GTEST_SKIP() << "a sanitizer's allocator aborts where malloc returns null";
  const auto first = host().call([] { return getpid(); });
  expect_exceeded(end_under(host(), {.memory = 64 * mib}, fill, 256 * mib), resource::memory, 64 * mib);
  expect_another_worker(first);
  expect_exceeded(end_under(host(), {.memory = 64 * mib}, fill_in_pieces, 256 * mib), resource::memory, 64 * mib);
  EXPECT_EQ(host().call(fill, 256 * mib), 256 * mib) << "the control arm";
  EXPECT_EQ(host().call(fill_in_pieces, 256 * mib) >= 256 * mib, true) << "the control arm";
}

TEST_F(Limits, MemoryBelowTheLimitIsThere) {
  const auto end = end_under(host(), {.memory = 256 * mib}, fill, 64 * mib);
  EXPECT_TRUE(std::holds_alternative<job_value>(end));
}

TEST_F(Limits, RefusedMemoryInANoexceptFunctionIsThatLimitAndNoCrash) {
  if (sanitized) GTEST_SKIP() << "a sanitizer's allocator aborts where malloc returns null";
  expect_exceeded(end_under(host(), {.memory = 64 * mib}, fill_noexcept, 256 * mib), resource::memory, 64 * mib);
  EXPECT_EQ(host().call(fill_noexcept, 256 * mib), 256 * mib) << "the control arm";
}

TEST_F(Limits, ATaskThatCopesWithRefusedMemoryKeepsItsValue) {
  if (sanitized) GTEST_SKIP() << "a sanitizer's allocator aborts where malloc returns null";
  const auto cope = [](std::uint64_t size) {
    try {
      return fill(size);
    } catch (const std::bad_alloc&) {
      return fill(size / 16);
    }
  };
  const auto end = end_under(host(), {.memory = 64 * mib}, cope, 256 * mib);
  EXPECT_EQ(read_result<std::uint64_t>(std::get<job_value>(end).encoded), 16 * mib);
  EXPECT_EQ(host().call(cope, 256 * mib), 256 * mib) << "the control arm";
}

TEST_F(Limits, ABadAllocWithoutALimitIsAnException) {
  const auto end = end_under(host(), {}, []() -> int { throw std::bad_alloc(); });
  EXPECT_EQ(std::get<job_exception>(end).type, "std::bad_alloc");
}

TEST_F(Limits, ATaskThatUsesTooMuchProcessorTimeIsEndedByTheKernel) {
  const auto first = host().call([] { return getpid(); });
  expect_exceeded(end_under(host(), {.cpu = 100ms}, burn, 1500), resource::cpu, 100'000'000);
  expect_another_worker(first);
  EXPECT_EQ(host().call(burn, 1500), 1500) << "the control arm";
}

TEST_F(Limits, ProcessorTimeCountsAllThreadsOfATask) {
  const auto burn_in_a_thread = [](int ms) {
    int burnt = 0;
    std::thread([&] { burnt = burn(ms); }).join();
    return burnt;
  };
  expect_exceeded(end_under(host(), {.cpu = 100ms}, burn_in_a_thread, 1500), resource::cpu, 100'000'000);
  EXPECT_EQ(host().call(burn_in_a_thread, 1500), 1500) << "the control arm";
}

TEST_F(Limits, ProcessorTimeIsOfEachTaskAndNotOfItsWorker) {
  const auto first = host().call([] { return getpid(); });
  for (int run = 0; run < 5; ++run) {
    const auto end = end_under(host(), {.cpu = 200ms}, burn, 60);
    ASSERT_TRUE(std::holds_alternative<job_value>(end)) << "run " << run;
  }
  EXPECT_EQ(host().call([] { return getpid(); }), first) << "300 ms in one worker";
}

TEST_F(Limits, ATaskThatSleepsUsesNoProcessorTime) {
  const auto end = end_under(host(), {.cpu = 100ms}, [] { std::this_thread::sleep_for(400ms); });
  EXPECT_TRUE(std::holds_alternative<job_value>(end));
}

TEST_F(Limits, ALargerResultIsNotCommitted) {
  expect_exceeded(end_under(host(), {.output = mib}, text_of, 2 * mib), resource::output, mib);
  EXPECT_TRUE(std::holds_alternative<job_value>(end_under(host(), {.output = 2 * mib}, text_of, mib)));
  EXPECT_EQ(host().call(text_of, 2 * mib).size(), 2 * mib) << "the control arm";
}

/// Commits a result of its own making behind the worker's back.
void forge(std::uint64_t size) {
  void* page = mmap(nullptr, payload_offset, PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0);
  auto& block = *static_cast<control_block*>(page);
  wire_writer frame;
  frame.write(std::string(size, 'x'));
  if (pwrite(3, frame.frame().data(), frame.size(), payload_offset) != static_cast<ssize_t>(frame.size())) _exit(1);
  block.result.kind = static_cast<std::uint32_t>(result_kind::value);
  block.result.size = frame.size();
  block.word = control_word(control_word(block.word.load()).generation(), phase::committed).bits();
  const std::uint64_t one = 1;
  if (write(4, &one, sizeof one) != sizeof one) _exit(1);
  for (;;) pause();
}

TEST_F(Limits, TheHostDoesNotTakeALargerResultThatATaskHasForged) {
  const auto forged = end_under(host(), {}, forge, 2 * mib);
  EXPECT_EQ(read_result<std::string>(std::get<job_value>(forged).encoded).size(), 2 * mib) << "the control arm";
  // A forger has not come back: its worker cannot run anything else.
  auto spare = std::make_unique<pool_host>(process_options{.workers = 1, .spares = 1});
  expect_exceeded(end_under(*spare, {.output = mib}, forge, 2 * mib), resource::output, mib);
  EXPECT_EQ(spare->call(burn, 1), 1);
  host_ = std::move(spare);
}

TEST_F(Limits, OneMoreOpenFileIsRefused) {
  // Comes first: UndefinedBehaviorSanitizer makes a pipe to look at each type that it meets for the first time.
  const auto other = end_under(host(), {.files = 10},
                               []() -> int { throw std::system_error(ENOENT, std::generic_category(), "open"); });
  EXPECT_EQ(std::get<job_exception>(other).type, "std::system_error") << "the control arm: another error";
  const auto open_some = [](int count) {
    std::vector<int> open_files;
    for (int i = 0; i < count; ++i) {
      const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
      if (file < 0) throw std::system_error(errno, std::generic_category(), "open");
      open_files.push_back(file);
    }
    for (const int file : open_files) close(file);
    return count;
  };
  expect_exceeded(end_under(host(), {.files = 10}, open_some, 11), resource::files, 10);
  EXPECT_TRUE(std::holds_alternative<job_value>(end_under(host(), {.files = 10}, open_some, 10)));
  EXPECT_EQ(host().call(open_some, 11), 11) << "the control arm";
}

[[gnu::noinline]] int recurse(int depth) {
  volatile char frame[1024];
  frame[0] = static_cast<char>(depth);
  return depth == 0 ? 0 : recurse(depth - 1) + frame[0] - frame[0] + 1;
}

TEST_F(Limits, ATaskThatRecursesTooDeepRunsIntoItsStackLimit) {
  expect_exceeded(end_under(host(), {.stack = mib}, recurse, 3000), resource::stack, mib);
  EXPECT_EQ(host().call(recurse, 3000), 3000) << "the control arm";
  EXPECT_TRUE(std::holds_alternative<job_value>(end_under(host(), {.stack = 8 * mib}, recurse, 3000)));
}

TEST_F(Limits, AStackLimitCanGiveMoreThanTheUsualStack) {
  if (sanitized) GTEST_SKIP() << "frames are larger";
  EXPECT_TRUE(std::holds_alternative<job_value>(end_under(host(), {.stack = 48 * mib}, recurse, 20'000)));
  const auto usual = end_under(host(), {.stack = 8 * mib}, recurse, 20'000);
  EXPECT_TRUE(std::holds_alternative<job_exceeded>(usual)) << "the control arm: 8 MiB are not enough";
}

TEST_F(Limits, AWildPointerIsNoOverflow) {
  const auto crash = end_under(host(), {.stack = mib}, [] { *reinterpret_cast<volatile int*>(64) = 1; });
  EXPECT_EQ(std::get<job_crashed>(crash).signal, SIGSEGV);
}

TEST(LimitsOfAPool, HoldForEachTaskAndATaskCanOnlyLowerThem) {
  pool_host host({.workers = 1, .limits = {.output = 2 * mib}});
  expect_exceeded(end_under(host, {}, text_of, 3 * mib), resource::output, 2 * mib);
  expect_exceeded(end_under(host, {.output = 4 * mib}, text_of, 3 * mib), resource::output, 2 * mib);
  expect_exceeded(end_under(host, {.output = mib}, text_of, 3 * mib / 2), resource::output, mib);
  EXPECT_TRUE(std::holds_alternative<job_value>(end_under(host, {}, text_of, 3 * mib / 2)));
}

std::string try_to_fork() {
  const auto child = fork();
  if (child == 0) _exit(0);
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  waitpid(child, nullptr, 0);
  return "forked";
}

TEST(LimitsOfAPool, NoProcessesMeansNoChildrenButThreads) {
  pool_host host({.workers = 1, .limits = {.processes = 0}});
  EXPECT_EQ(host.pool.limits().processes, std::optional<std::uint64_t>(0));
  expect_exceeded(end_under(host, {}, try_to_fork), resource::processes, 0);
  EXPECT_EQ(host.call([] {
    int seen = 0;
    std::thread([&] { seen = 7; }).join();
    return seen;
  }),
            7);
  EXPECT_NE(host.call([] { return std::system("true"); }), 0);
  pool_host free({.workers = 1});
  EXPECT_EQ(free.call(try_to_fork), "forked") << "the control arm";
}

TEST(LimitsOfAPool, ProcessesThatCannotBeCountedAreSaidToBeUnlimited) {
  pool_host host({.workers = 1, .limits = {.output = mib, .processes = 3}});
  EXPECT_FALSE(host.pool.limits().processes.has_value());
  EXPECT_EQ(host.pool.limits().output, std::optional<std::uint64_t>(mib));
}

TEST(LimitsOfAPool, OptionsThatCannotBeKeptAreRefused) {
  const auto why = [](const process_limits& limits) {
    try {
      pool_host host({.workers = 1, .limits = limits});
    } catch (const start_failed& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_NE(why({.memory = 1}).find("limits.memory"), std::string::npos);
  EXPECT_NE(why({.cpu = 0ms}).find("limits.cpu"), std::string::npos);
  EXPECT_NE(why({.output = 0}).find("limits.output"), std::string::npos);
  EXPECT_NE(why({.stack = 128 * mib}).find("limits.stack"), std::string::npos);
}

/// A host process of its own, with one worker that spins.
class other_host {
 public:
  explicit other_host(int cpu_ms)
      : program_({WORKIT_CPU_LIMITED_HOST, std::to_string(cpu_ms)}), worker(std::atoi(program_.line().c_str())) {}

  /// What its worker has used so far, to a hundredth of a second.
  [[nodiscard]] std::chrono::milliseconds used() const {
    std::ifstream file("/proc/" + std::to_string(worker) + "/stat");
    std::string line;
    std::getline(file, line);
    std::istringstream words(line.substr(line.rfind(')') + 2));
    std::string word;
    for (int skipped = 0; skipped < 11; ++skipped) words >> word;
    long user = 0, system = 0;
    words >> user >> system;
    return std::chrono::milliseconds((user + system) * 1000 / sysconf(_SC_CLK_TCK));
  }

  [[nodiscard]] pid_t pid() const { return program_.pid(); }

 private:
  const helper_program program_;

 public:
  const pid_t worker;
};

TEST(HostStoppedBesideALimit, TheKernelEndsATaskAtItsProcessorTime) {
  const other_host limited(1500 * WORKIT_TEST_SLOWNESS / 4 + 1000), unlimited(0);
  ASSERT_GT(limited.worker, 0);
  ASSERT_GT(unlimited.worker, 0);
  kill(limited.pid(), SIGSTOP);
  kill(unlimited.pid(), SIGSTOP);
  EXPECT_TRUE(is_alive(limited.worker)) << "stopped too late to show anything";
  wait_until([&] { return !is_alive(limited.worker); });
  wait_until(
      [&] { return unlimited.used() > std::chrono::milliseconds(2 * (1500 * WORKIT_TEST_SLOWNESS / 4 + 1000)); });
  EXPECT_TRUE(is_alive(unlimited.worker)) << "the control arm";
}

}  // namespace
}  // namespace workit::test
