// The soak: a hundred thousand stops of mixed kinds and a million races in one host, which must be as it was
// afterwards.
//
//   workit_soak [STOPS [RACES]] [--json]      100000 and 1000000; progress goes to standard error
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "../contract/failures/one_race.hpp"
#include "soak_balance.hpp"
#include "soak_kinds.hpp"

namespace {

using namespace workit;
using namespace workit::soak;
using namespace std::chrono_literals;
using machine = std::chrono::steady_clock;

/// Tasks under way at once: more than run, so that there is always a queue.
constexpr std::size_t lanes = 8;
/// What allocators of host and zygote may keep between two looks.
constexpr std::size_t breath_kib = 8 * 1024;

struct arguments {
  std::uint64_t stops = 100'000;
  std::uint64_t races = 1'000'000;
  bool json = false;
};

arguments parse(int argc, char** argv) {
  arguments given;
  std::uint64_t* numbers[] = {&given.stops, &given.races};
  std::size_t at = 0;
  for (int i = 1; i < argc; ++i) {
    char* end = nullptr;
    if (std::strcmp(argv[i], "--json") == 0) {
      given.json = true;
    } else if (const auto n = std::strtoull(argv[i], &end, 10); *end == '\0' && at < 2) {
      *numbers[at++] = n;
    } else {
      std::fprintf(stderr, "workit_soak [STOPS [RACES]] [--json]: what is \"%s\"?\n", argv[i]);
      std::exit(2);
    }
  }
  return given;
}

std::uint64_t choose_seed() {
  const char* given = std::getenv("WORKIT_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

workers::process_pool& pool_of(runtime& rt) {
  return rt.find_service<process_service>([](const auto&) { return true; })->pool();
}

/// Waits until the pool is whole and takes the balance.
balance settled_balance(runtime& rt) {
  const auto begun = machine::now();
  for (auto s = pool_of(rt).status(); machine::now() - begun < 30s; s = pool_of(rt).status()) {
    if (s.starting + s.unreclaimed + s.busy + s.queued == 0) break;
    std::this_thread::sleep_for(1ms);
  }
  std::this_thread::sleep_for(100ms);  // a reaped process leaves /proc a moment later
  return balance::take(pool_of(rt).status().zygote);
}

/// One line every two seconds.
class progress {
 public:
  explicit progress(const char* what) : what_(what) {}
  void show(std::uint64_t done, std::uint64_t of) {
    const auto now = machine::now();
    if (now < next_) return;
    next_ = now + 2s;
    const auto seconds = std::chrono::duration<double>(now - begun_).count();
    std::fprintf(stderr, "%s %lu of %lu, %.0f/s\n", what_, done, of, static_cast<double>(done) / (seconds + 1e-9));
  }
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(machine::now() - begun_).count(); }

 private:
  const char* what_;
  const machine::time_point begun_ = machine::now();
  machine::time_point next_ = begun_ + 2s;
};

using tallies = std::array<tally, kind_names.size()>;

tally sum_of(const tallies& all) {
  tally sum;
  for (const auto& t : all) {
    sum.begun += t.begun;
    sum.values += t.values;
    sum.killed += t.killed;
    sum.withdrawn += t.withdrawn;
    sum.crashed += t.crashed;
  }
  return sum;
}

void stop_many(runtime& rt, std::uint64_t how_many, std::mt19937_64& random, tallies& counts) {
  progress shown("stops");
  const auto before = sum_of(counts).stops();
  rt.run([&](scope& s) {
    for (std::size_t lane = 0; lane < lanes; ++lane)
      s.spawn([&](context& ctx) {
        ctx.scope([&](scope& own) {
          for (auto done = 0UL; (done = sum_of(counts).stops() - before) < how_many;) {
            shown.show(done, how_many);
            const auto what = random() % kind_names.size();
            run_one(own, static_cast<kind>(what), random, counts[what]);
          }
        });
      });
  });
}

void race_many(runtime& rt, std::uint64_t how_many, std::mt19937_64& random, test::race_score& score) {
  progress shown("races");
  rt.run([&](scope& s) {
    while (score.total() < how_many) {
      test::race_once(s, random, score);
      shown.show(score.total(), how_many);
    }
  });
}

int run(const arguments& given) {
  const auto seed = choose_seed();
  std::fprintf(stderr, "seed %lu (run again with WORKIT_TEST_SEED=%lu)\n", seed, seed);
  std::mt19937_64 random(seed);
  runtime rt({}, processes({.workers = 4, .spares = 4}));
  tallies warm_up{}, counts{};
  stop_many(rt, 1000, random, warm_up);
  const auto before = settled_balance(rt);

  const progress stopping("stops");
  stop_many(rt, given.stops, random, counts);
  const double stop_seconds = stopping.seconds();
  const progress racing("races");
  test::race_score races;
  race_many(rt, given.races, random, races);
  const double race_seconds = racing.seconds();
  const auto after = settled_balance(rt);

  const auto all = sum_of(counts), warm = sum_of(warm_up);
  const auto pool = pool_of(rt).status();
  std::string wrong = after.more_than(before, breath_kib);
  if (all.begun != all.answered()) wrong += "tasks were not answered exactly once; ";
  if (pool.killed != all.killed + warm.killed + races.kills) wrong += "the pool counts other kills; ";
  if (pool.crashed != all.crashed + warm.crashed) wrong += "the pool counts other crashes; ";
  if (pool.zygotes != 1) wrong += "the zygote was replaced; ";

  const double rate = static_cast<double>(all.stops()) / stop_seconds;
  std::fprintf(stderr, "%lu stops in %.1f s, %.0f/s; %lu races in %.1f s; %s\n", all.stops(), stop_seconds, rate,
               races.total(), race_seconds, wrong.empty() ? "all as before" : wrong.c_str());
  if (given.json) {
    std::printf(
        "{\"stops\":%lu,\"seconds\":%.1f,\"stops_per_s\":%.0f,\"kills\":%lu,\"crashes\":%lu,\"values\":%lu,"
        "\"withdrawn\":%lu,\"tasks\":%lu,\"answered\":%lu,",
        all.stops(), stop_seconds, rate, all.killed, all.crashed, all.values, all.withdrawn, all.begun, all.answered());
    for (std::size_t k = 0; k < counts.size(); ++k)
      std::printf("\"%s\":%lu,", std::string(kind_names[k]).c_str(), counts[k].begun);
    std::printf("\"races\":%lu,\"race_values\":%lu,\"race_kills\":%lu,\"race_withdrawals\":%lu,\"race_seconds\":%.1f,",
                races.total(), races.values, races.kills, races.withdrawals, race_seconds);
    std::printf(
        "\"zombies\":%zu,\"descriptors\":[%zu,%zu],\"threads\":[%zu,%zu],\"mappings\":[%zu,%zu],"
        "\"blocks\":[%zu,%zu],\"zygote_descriptors\":[%zu,%zu],\"rss_kib\":[%zu,%zu],"
        "\"zygote_rss_kib\":[%zu,%zu],\"wrong\":\"%s\"}\n",
        after.zombies, before.descriptors, after.descriptors, before.threads, after.threads, before.mappings,
        after.mappings, before.blocks, after.blocks, before.zygote_descriptors, after.zygote_descriptors,
        before.rss_kib, after.rss_kib, before.zygote_rss_kib, after.zygote_rss_kib, wrong.c_str());
  }
  return wrong.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  workit::init(argc, argv);
  // glibc else keeps up to twice the largest block that was ever given back, 8 MiB here: mallopt(3).
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  return run(parse(argc, argv));
}
