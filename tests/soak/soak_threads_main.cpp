// The soak of the thread boundary: a million stops of ordinary C++ at random instants, each followed by a check of the
// thread it ran on.
//
//   workit_soak_threads [STOPS] [--json]      1000000; progress goes to standard error
//
// A task that is stopped keeps what it owned, so the stops are spread over processes that end: shifts. A shift without
// progress for a minute is killed and counts as a hang.
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "../unit/preempt/thread/workloads.hpp"

namespace {

using namespace workit;
using namespace std::chrono_literals;
using machine = std::chrono::steady_clock;

constexpr std::uint64_t stops_of_a_shift = 20'000;
constexpr auto silence_limit = 60s;

struct arguments {
  std::uint64_t stops = 1'000'000;
  bool json = false;
};

arguments parse(int argc, char** argv) {
  arguments given;
  for (int i = 1; i < argc; ++i) {
    char* end = nullptr;
    if (std::strcmp(argv[i], "--json") == 0) {
      given.json = true;
    } else if (const auto n = std::strtoull(argv[i], &end, 10); *end == '\0' && n > 0) {
      given.stops = n;
    } else {
      std::fprintf(stderr, "workit_soak_threads [STOPS] [--json]: what is \"%s\"?\n", argv[i]);
      std::exit(2);
    }
  }
  return given;
}

struct tally {
  std::uint64_t stops = 0, refused = 0, spoilt = 0, signals = 0;
  std::array<std::uint64_t, 3> at{};  ///< by workit::leaving
  std::uint64_t corrupt = 0, hung = 0;

  void add(const tally& t) {
    stops += t.stops;
    refused += t.refused;
    spoilt += t.spoilt;
    signals += t.signals;
    for (std::size_t i = 0; i < at.size(); ++i) at[i] += t.at[i];
  }
};

/// The child's part. Writes a tally, of what came since the one before, a few times a second.
[[noreturn]] void work_a_shift(std::uint64_t stops, std::uint64_t seed, int to) {
  if (const auto& why = preempt::why_unsupported(); !why.empty()) {
    std::fprintf(stderr, "%s\n", why.c_str());
    ::_exit(3);
  }
  std::mt19937_64 random(seed);
  const auto all = test::stoppable_workloads();
  test::stopping_fixture fixture;
  tally since;
  auto next = machine::now() + 200ms;
  for (std::uint64_t i = 0; i < stops; ++i) {
    const auto& work = all[i % all.size()];
    fixture.start(work.body);
    test::wait_randomly(random);
    const auto stopped = fixture.stop();
    if (stopped.let_out || !stopped.end.left) {
      ++since.refused;
      std::fprintf(stderr, "%s was refused: %s\n", work.name, describe(stopped.why_not).c_str());
    } else {
      ++since.stops;
      ++since.at[static_cast<std::size_t>(stopped.end.how.at)];
      since.signals += stopped.end.how.signals;
      since.spoilt += stopped.end.spoilt ? 1 : 0;
    }
    if (machine::now() < next && i + 1 < stops) continue;
    next = machine::now() + 200ms;
    if (::write(to, &since, sizeof since) != sizeof since) ::_exit(4);
    since = {};
  }
  ::_exit(0);
}

/// One line every ten seconds.
class progress {
 public:
  explicit progress(std::uint64_t of) : of_(of) {}
  void show(const tally& t) {
    if (machine::now() < next_) return;
    next_ += 10s;
    std::fprintf(stderr, "stops %lu of %lu, %.0f/s; %lu refused, %lu corrupt, %lu hung\n", t.stops, of_,
                 static_cast<double>(t.stops) / seconds(), t.refused, t.corrupt, t.hung);
  }
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(machine::now() - begun_).count(); }

 private:
  const std::uint64_t of_;
  const machine::time_point begun_ = machine::now();
  machine::time_point next_ = begun_ + 10s;
};

/// Returns whether the shift ended well.
bool supervise_a_shift(std::uint64_t stops, std::uint64_t seed, tally& sum, progress& shown) {
  int ends[2];
  if (::pipe(ends) != 0) return false;
  const auto child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    work_a_shift(stops, seed, ends[1]);
  }
  ::close(ends[1]);
  const auto stops_before = sum.stops + sum.refused;
  auto heard = machine::now();
  for (;;) {
    pollfd readable{ends[0], POLLIN, 0};
    if (::poll(&readable, 1, 1000) > 0) {
      tally since;
      if (::read(ends[0], &since, sizeof since) != sizeof since) break;
      sum.add(since);
      heard = machine::now();
    } else if (machine::now() - heard > silence_limit) {
      std::fprintf(stderr, "a shift hangs: seed %lu, after %lu stops of it\n", seed, sum.stops - stops_before);
      ++sum.hung;
      ::kill(child, SIGABRT);
      break;
    }
    shown.show(sum);
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  const bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (well) return sum.stops + sum.refused - stops_before == stops;
  std::fprintf(stderr, "a shift ended with %s %d: seed %lu, after %lu stops of it\n",
               WIFEXITED(status) ? "status" : "signal", WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
               seed, sum.stops - stops_before);
  ++sum.corrupt;
  return false;
}

int run(const arguments& given) {
  const char* const chosen = std::getenv("WORKIT_TEST_SEED");
  const std::uint64_t seed = chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : std::random_device{}();
  std::fprintf(stderr, "seed %lu (run again with WORKIT_TEST_SEED=%lu)\n", seed, seed);
  std::mt19937_64 random(seed);
  tally sum;
  progress shown(given.stops);
  int bad = 0;
  for (std::uint64_t left = given.stops; left > 0 && bad < 3;) {
    const auto share = std::min(left, stops_of_a_shift);
    // The first shift has the seed itself, so that one that failed is had again by its own.
    bad += supervise_a_shift(share, left == given.stops ? seed : random(), sum, shown) ? 0 : 1;
    left -= share;
  }
  const double rate = static_cast<double>(sum.stops) / shown.seconds();
  std::fprintf(stderr,
               "%lu stops in %.1f s, %.0f/s: %lu in place, %lu at an exit, %lu at a return; %lu refused, %lu corrupt, "
               "%lu hung\n",
               sum.stops, shown.seconds(), rate, sum.at[0], sum.at[1], sum.at[2], sum.refused, sum.corrupt, sum.hung);
  if (given.json)
    std::printf(
        "{\"stops\":%lu,\"seconds\":%.1f,\"stops_per_s\":%.0f,\"in_place\":%lu,\"critical_exit\":%lu,"
        "\"frame_return\":%lu,\"signals\":%lu,\"spoilt\":%lu,\"refused\":%lu,\"corrupt\":%lu,\"hung\":%lu}\n",
        sum.stops, shown.seconds(), rate, sum.at[0], sum.at[1], sum.at[2], sum.signals, sum.spoilt, sum.refused,
        sum.corrupt, sum.hung);
  return bad == 0 && sum.refused == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return run(parse(argc, argv)); }
