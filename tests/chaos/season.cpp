// A runtime of random shape, three threads that use it, and one that makes trouble.
#include "season.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <cstdio>
#include <workit/compose/detached.hpp>
#include <workit/status/print_tree_on.hpp>

#include "outside.hpp"
#include "place.hpp"

extern char** environ;

namespace workit::chaos {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<service> some_processes(draws& random, std::string name, sandbox box) {
  process_options o{.name = std::move(name), .workers = 1 + random.below(3), .spares = random.below(3), .sandbox = box};
  if (random.one_in(3)) o.idle_shrink = 1ms + random.us(200'000);
  if (random.one_in(3)) o.max_tasks = 1 + random.below(50);
  if (random.one_in(4)) o.output = worker_output::captured;
  return processes(std::move(o));
}

/// With preemptible threads where this build has them.
runtime make_runtime(draws& random, bool& has_threads) {
  const runtime_options o{.io_threads = 1 + random.below(3)};
  const auto boxed = [&] { return some_processes(random, "boxed", sandbox::compute_only); };
  const auto open = [&] { return some_processes(random, "open", sandbox::none); };
  static const bool can_have_threads = [] {
    try {
      const runtime tried({}, threads({.threads = 1}));
      return true;
    } catch (const start_failed& refused) {
      std::fprintf(stderr, "chaos: without boundary::thread: %s\n", refused.what());
      return false;
    }
  }();
  has_threads = can_have_threads;
  if (!has_threads) return runtime(o, open(), boxed(), arena({.threads = 2}));
  return runtime(o, open(), boxed(), arena({.threads = 2}), threads({.threads = 1 + random.below(3)}));
}

/// What operations do one after the other in a root scope.
void live(world& in, scope& s, std::shared_ptr<scope_book> book, std::uint64_t seed) {
  place here{in, s, std::move(book), draws(seed)};
  here.defer();
  if (here.random.one_in(4)) {
    here.book->given_from_outside.fetch_add(1'000'000);
    in.scopes.put(s.remote(), seed);
  }
  for (auto left = 1 + here.random.below(6); left > 0; --left) {
    in.own.begun.fetch_add(1);
    const std::shared_ptr<void> ends(nullptr, [&](void*) { in.own.ended.fetch_add(1); });
    operate(here);
  }
}

scope_options root_options(draws& random, std::shared_ptr<scope_book> book, books& own) {
  return with_receipt({.name = "root", .deadline = 1ms + random.us(random.one_in(2) ? 20'000 : 1'000'000)}, own,
                      std::move(book));
}

/// Uses the runtime from a thread that is none of its own.
void use(world& in, std::uint64_t seed, const std::atomic<bool>& over, monitor& watched) {
  draws random(seed);
  const auto check = [&](const char* what) {
    const auto error = std::current_exception();
    if (is_stop(error) || (in.troubled && is_trouble(error))) return;
    in.own.complain(std::string(what) + " ended by " + words_of(error));
  };
  while (!over) {
    auto book = std::make_shared<scope_book>();
    const auto below = random();
    switch (random.below(8)) {
      case 0: {
        const monitor::entry now(watched, "runtime::status from outside");
        static_cast<void>(in.rt.status());
        break;
      }
      case 1: {
        const monitor::entry now(watched, "remote_scope::spawn from outside");
        if (const auto other = in.scopes.take(random()))
          other->spawn({.background = true}, [hold = token(in.own)] {}).wait();
        break;
      }
      case 2: {
        const monitor::entry now(watched, "a root that was spawned and cancelled");
        // It may never begin, and then has no receipt; so none is asked for.
        auto root = in.rt.spawn({.name = "root", .deadline = 1ms + random.us(1'000'000)},
                                [&in, book, below, hold = token(in.own)](scope& s) { live(in, s, book, below); });
        std::this_thread::sleep_for(random.us(5'000));
        root.cancel("from outside");
        const auto got = root.result();
        try {
          if (got.is_error()) std::rethrow_exception(got.error());
        } catch (...) {
          check("a root from outside");
        }
        break;
      }
      default: {
        const monitor::entry now(watched, "runtime::run");
        in.own.roots.fetch_add(1);
        try {
          auto options = root_options(random, book, in.own);
          in.rt.run(std::move(options), [&](scope& s) { live(in, s, book, below); });
        } catch (...) {
          check("a root");
        }
      }
    }
  }
}

void plant(fault what, world& in) {
  switch (what) {
    case fault::leaked_descriptor:
      static_cast<void>(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      return;
    case fault::leaked_thread:
      std::thread([] { ::pause(); }).detach();
      return;
    case fault::leaked_process: {
      char name[] = "sleep", time[] = "60";
      char* const arguments[] = {name, time, nullptr};
      pid_t child = 0;
      ::posix_spawnp(&child, name, nullptr, nullptr, arguments, environ);
      return;
    }
    case fault::leaked_memory: {
      static std::vector<std::unique_ptr<int>> kept;
      kept.push_back(std::make_unique<int>(1));
      return;
    }
    case fault::lost_cleanup:
      in.own.cleanups_given.fetch_add(1);
      return;
    case fault::kept_function: {
      static std::vector<token> kept;
      kept.emplace_back(in.own);
      return;
    }
    case fault::unfinished_operation:
      in.own.begun.fetch_add(1);
      return;
    default:
      break;
  }
  // Those that show in a scope:
  auto book = std::make_shared<scope_book>();
  in.own.roots.fetch_add(1);
  in.rt.run(with_receipt({.name = "planted"}, in.own, book), [&](scope& s) {
    place here{in, s, book, draws(1)};
    switch (what) {
      case fault::wrong_value:
        return here.expect("planted", here.spawn([] { return 1; }).result(), 2);
      case fault::torn_channel: {
        const channel<int> values({.capacity = 4});
        for (int i = 0; i < 3; ++i) values.send(i);
        values.close();
        static_cast<void>(values.receive());  // it is lost
        int got = 0;
        while (values.receive()) ++got;
        if (got != 3) in.own.complain("a channel has lost or mixed up values");
        return;
      }
      case fault::missing_task:
        book->spawned.fetch_add(1);
        return;
      default:  // hang
        s.sleep_for(std::chrono::hours(1));
    }
  });
}

}  // namespace

season_report run_season(const season_options& options, monitor& watched) {
  season_report report;
  draws random(options.seed);
  books own;
  {
    board scopes;
    bool has_threads = false;
    runtime rt = make_runtime(random, has_threads);
    world in{rt, own, scopes, {boundary::process, boundary::cooperative}, {"open", "boxed"}, random.one_in(2)};
    if (has_threads) in.boundaries.push_back(boundary::thread);
    report.troubled = in.troubled;
    std::atomic<bool> over{false};
    std::vector<std::thread> users;
    for (int i = 0; i < 3; ++i) users.emplace_back([&, seed = random()] { use(in, seed, over, watched); });
    if (in.troubled) users.emplace_back([&, seed = random()] { make_trouble(seed, over, own); });
    std::this_thread::sleep_for(options.length / 2);
    if (options.planted) {
      const monitor::entry now(watched, "the planted fault");
      plant(*options.planted, in);
    }
    std::this_thread::sleep_for(options.length / 2);
    over = true;
    for (auto& each : users) each.join();
    if (random.one_in(2)) rt.detached().drain(1s);
    const monitor::entry now(watched, "the runtime's end");
    rt.shutdown(random.us(10'000));
  }
  report.operations = own.begun;
  report.values = own.values;
  report.failures = own.failures;
  report.stopped = own.stopped;
  report.kills = own.kills;
  report.wrong = own.wrong();
  return report;
}

}  // namespace workit::chaos
