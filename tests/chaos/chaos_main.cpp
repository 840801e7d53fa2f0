// Chaos: random operations over the whole face, from fibers and foreign threads at every boundary, with kills, stops,
// limits, shortages and deaths of hosts. After each season the process has to be exactly as after the first.
//
//   workit_chaos [--seconds N] [--seed N]     60 seconds; progress goes to standard error
//   workit_chaos --planted FAULT | all        sees that the driver finds faults of its own
#include <signal.h>
#include <sys/prctl.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <support/processes_below.hpp>

#include "doomed_host.hpp"
#include "ground.hpp"
#include "planted.hpp"
#include "season.hpp"
#include "world.hpp"

namespace {

using namespace workit;
using namespace workit::chaos;
using namespace std::chrono_literals;
using machine = std::chrono::steady_clock;

struct arguments {
  std::uint64_t seed = std::random_device{}();
  std::chrono::seconds length{60};
  const named_fault* planted = nullptr;
  bool all_planted = false;
  bool doomed = false;
};

[[noreturn]] void misuse(const char* what, const char* given) {
  std::fprintf(stderr,
               "workit_chaos: %s \"%s\"; allowed: --seconds N (1 to 1000000), --seed N, --planted all or one of", what,
               given);
  for (const auto& each : faults) std::fprintf(stderr, " %s", std::string(each.name).c_str());
  std::fprintf(stderr, "\n");
  std::exit(2);
}

std::uint64_t number_of(const char* text) {
  char* end = nullptr;
  const auto n = std::strtoull(text, &end, 10);
  if (*text < '0' || *text > '9' || *end != '\0') misuse("a number was expected, not", text);
  return n;
}

arguments parse(int argc, char** argv) {
  arguments given;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (i + 1 == argc) misuse("what is", argv[i]);
    const char* const value = argv[++i];
    if (word == "--seed") {
      given.seed = number_of(value);
    } else if (word == "--seconds") {
      given.length = std::chrono::seconds(number_of(value));
      if (given.length < 1s || given.length > 1'000'000s) misuse("the length is", value);
    } else if (word == "--doomed") {
      given.doomed = true;
      given.seed = number_of(value);
    } else if (word == "--planted") {
      given.all_planted = std::strcmp(value, "all") == 0;
      given.planted = fault_of(value);
      if (!given.all_planted && given.planted == nullptr) misuse("there is no fault", value);
    } else {
      misuse("what is", argv[i - 1]);
    }
  }
  return given;
}

void say_all(const std::vector<std::string>& wrong) {
  for (const auto& each : wrong) std::fprintf(stderr, "chaos: WRONG: %s\n", each.c_str());
}

/// Seasons until the time is over; whether all was right.
bool run(const arguments& given) {
  const auto begun = machine::now();
  std::fprintf(stderr, "chaos: seed %lu (again: --seed %lu)\n", given.seed, given.seed);
  const bool hangs = given.planted != nullptr && given.planted->what == fault::hang;
  monitor watched(hangs ? 8s : 60s, "run again with --seed " + std::to_string(given.seed));
  draws random(given.seed);
  const auto length_of_a_season = std::min<std::chrono::milliseconds>(given.length, 3s);
  std::uint64_t operations = 0, values = 0, stopped = 0, failures = 0, kills = 0;
  int seasons = 0;
  auto shown = begun;
  // What is made once for the process is made before the first quiet point.
  for (int i = 0; i < 2; ++i)
    if (const auto first = run_season({.seed = random(), .length = length_of_a_season / 3}, watched);
        !first.wrong.empty())
      return say_all(first.wrong), false;
  ground before;
  before.be_first(2);  // this thread and the monitor's
  do {
    auto season = run_season({.seed = random(),
                              .length = length_of_a_season,
                              .planted = given.planted ? std::optional(given.planted->what) : std::nullopt},
                             watched);
    ++seasons;
    operations += season.operations, values += season.values, stopped += season.stopped, failures += season.failures;
    kills += season.kills;
    if (random.one_in(2))
      for (auto& each : doom_a_host(random())) season.wrong.push_back(std::move(each));
    for (auto& each : ground::settle(before, given.planted ? 2s : 10s).against(before))
      season.wrong.push_back(std::move(each));
    if (!season.wrong.empty()) {
      for (const auto& p : test::processes_below()) ::kill(p.pid, SIGKILL);  // they may have our standard error
      say_all(season.wrong);
      std::fprintf(stderr, "chaos: in season %d, after %ld s; --seed %lu\n", seasons,
                   static_cast<long>((machine::now() - begun) / 1s), given.seed);
      return false;
    }
    if (machine::now() - shown > 10s) {
      shown = machine::now();
      std::fprintf(stderr, "chaos: %ld s, %d seasons, %lu operations\n", static_cast<long>((shown - begun) / 1s),
                   seasons, operations);
    }
  } while (machine::now() - begun < given.length);
  std::fprintf(stderr,
               "chaos: %d seasons, %lu operations: %lu values, %lu stops, %lu failures, %lu processes killed from "
               "outside; after each of them all was as before\n",
               seasons, operations, values, stopped, failures, kills);
  return true;
}

/// Until it is killed.
[[noreturn]] void be_doomed(const arguments& given) {
  monitor watched(60s, "a doomed host");
  for (draws random(given.seed);;) static_cast<void>(run_season({.seed = random(), .length = 200ms}, watched));
}

}  // namespace

int main(int argc, char** argv) {
  workit::init(argc, argv);
  const auto given = parse(argc, argv);
  if (given.doomed) be_doomed(given);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (given.all_planted) return find_all_planted(given.seed) ? 0 : 1;
  return run(given) ? 0 : 1;
}
