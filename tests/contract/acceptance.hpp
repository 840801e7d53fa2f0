// The stage of the acceptance scenarios: where they play, beside which load, and that nothing is left afterwards.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <deque>
#include <functional>
#include <optional>
#include <support/allocation_balance.hpp>
#include <support/processes_below.hpp>

#include "victims.hpp"

namespace workit::test {

using machine = std::chrono::steady_clock;

/// Where the part of a scenario runs that has to be stopped, and how many threads are busy beside it.
struct ground {
  boundary where = boundary::fiber;
  int load = 0;
};

inline std::string name_of(const testing::TestParamInfo<ground>& info) {
  return std::string(to_string(info.param.where)) + "_beside_" + std::to_string(info.param.load);
}

inline void PrintTo(const ground& g, std::ostream* out) { *out << to_string(g.where) << " beside " << g.load; }

/// Every boundary that can run a scenario. A test at the process boundary waits for a natural end and has a pool of its
/// own, so it runs once. The thread boundary joins here.
inline auto every_boundary() {
  return testing::Values(ground{boundary::fiber, 0}, ground{boundary::fiber, 1}, ground{boundary::fiber, 2},
                         ground{boundary::fiber, 8}, ground{boundary::process, 0});
}
/// For what is asserted to the instant: fibers on a manual clock.
inline auto by_the_clock() {
  return testing::Values(ground{boundary::fiber, 0}, ground{boundary::fiber, 1}, ground{boundary::fiber, 2},
                         ground{boundary::fiber, 8});
}
/// For what only workers do.
inline auto by_workers() { return testing::Values(ground{boundary::process, 0}); }

/// Threads that race, time out and cancel in runtimes of their own, without pause: they share the process's counters,
/// epochs and processors with the scenario. They are nice, and so are their loops: eight of them interleave with the
/// scenario on two processors and do not starve it.
class busy_threads {
 public:
  explicit busy_threads(int n) {
    for (int i = 0; i < n; ++i) threads_.emplace_back([this] { work(); });
  }
  ~busy_threads() {
    done_ = true;
    for (auto& t : threads_) t.join();
  }
  busy_threads(const busy_threads&) = delete;
  busy_threads& operator=(const busy_threads&) = delete;

 private:
  void work() const {
    EXPECT_EQ(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 19), 0);
    manual_runtime rt;
    const auto nap = [](duration d) { return [d](context& ctx) { ctx.sleep_for(d); }; };
    while (!done_) {
      rt.run([&](scope& s) {
        race(nap(1ms), timeout(2ms, nap(1h)))(s);
        s.spawn(nap(1h)).cancel("load");
      });
      std::this_thread::yield();
    }
  }

  std::atomic<bool> done_{false};
  std::vector<std::thread> threads_;
};

/// One runtime with one scenario on it. A test's parts live here, so that they are looked at again when they would
/// have come to their natural end.
class stage {
 public:
  class part;

  stage(ground g, process_options pool) : where_(g.where) {
    if (where_ == boundary::fiber)
      pure_.emplace();
    else
      real_.emplace(runtime_options{}, processes(pool));
  }
  ~stage();

  [[nodiscard]] runtime& rt() { return pure_ ? pure_->rt : *real_; }
  [[nodiscard]] boundary where() const { return where_; }
  [[nodiscard]] workers::pool_status pool() {
    return rt().find_service<process_service>([](const auto&) { return true; })->pool().status();
  }

  /// Runs the body in a root scope of which nothing is left afterwards, and keeps its receipt.
  template <class F>
  decltype(auto) run(F&& body) {
    return rt().run({.name = "scenario", .on_receipt = receipt_.keeper()}, std::forward<F>(body));
  }
  const scope_receipt& receipt() { return receipt_.get(); }

  /// Work that goes on to its natural end unless it is stopped: a fiber that sleeps, or a loop in a worker process.
  part& make_part(const std::string& name = "part", std::chrono::milliseconds lasts = natural_end);

  /// To be called right after what stops parts has returned: nothing of them lives any more.
  void returned();
  /// Waits until every part would have come to its natural end: none has, none has moved since returned().
  void outlast();

 private:
  friend class part;

  const boundary where_;
  kept_receipt receipt_;
  marker_folder markers_;
  std::deque<part> parts_;
  std::optional<machine::time_point> returned_;
  std::optional<manual_runtime> pure_;  // the runtimes go first: what they own refers to the others
  std::optional<runtime> real_;
};

class stage::part {
 public:
  part(stage& on, std::string name, std::chrono::milliseconds lasts) : on_(on), name_(std::move(name)), lasts_(lasts) {}

  /// The task function; each call is a life of its own.
  [[nodiscard]] std::function<int(context&)> body() {
    return [this](context& ctx) {
      const auto life = name_ + std::to_string(begun_++);
      ++live_;
      ctx.defer([this] { --live_; });
      try {
        return live(ctx, life);
      } catch (const cancelled& c) {
        heard.push_back(c.why());
        throw;
      }
    };
  }
  /// Lets the fiber's neighbours run until the n-th call is at work.
  void await(context& ctx, int n = 1) const {
    const auto marker = name_ + std::to_string(n - 1);
    while (begun_ < n || (on_.where_ == boundary::process && !on_.markers_.has(marker))) ctx.sleep_for(1ms);
  }
  [[nodiscard]] std::chrono::milliseconds lasts() const { return lasts_; }
  [[nodiscard]] int begun() const { return begun_; }
  [[nodiscard]] int live() const { return live_; }
  /// How many have come to their natural end.
  [[nodiscard]] int ended() const {
    int n = ended_;
    for (int i = 0; i < begun_; ++i) n += on_.markers_.has(name_ + std::to_string(i) + ".ended");
    return n;
  }
  /// When the worker of the first call last moved.
  [[nodiscard]] machine::time_point last_moved(int n = 1) const {
    return heartbeat(on_.markers_.file(name_ + std::to_string(n - 1) + ".beat")).last();
  }

  /// Why each that was cancelled was so.
  std::vector<cancel_reason> heard;

 private:
  int live(context& ctx, const std::string& life) {
    if (on_.where_ == boundary::process) {
      const auto started = on_.markers_.file(life);
      return offload({}, spin_and_mark, started, started + ".ended", lasts_.count())(ctx);
    }
    ctx.sleep_for(lasts_);
    ++ended_;
    return 42;
  }

  stage& on_;
  const std::string name_;
  const std::chrono::milliseconds lasts_;
  int begun_ = 0;
  int live_ = 0;
  int ended_ = 0;  // fibers
};

inline stage::part& stage::make_part(const std::string& name, std::chrono::milliseconds lasts) {
  return parts_.emplace_back(*this, name, lasts);
}

inline void stage::returned() {
  returned_ = machine::now();
  for (const auto& p : parts_) EXPECT_EQ(p.live(), 0) << "a part that was stopped lives on";
}

inline void stage::outlast() {
  std::chrono::milliseconds longest{0};
  for (const auto& p : parts_) longest = std::max(longest, p.lasts());
  if (pure_)
    pure_->run([longest](scope& s) { s.sleep_for(2 * longest); });
  else
    std::this_thread::sleep_for(longest + 300ms);
  for (const auto& p : parts_) {
    EXPECT_EQ(p.ended(), 0) << "a part came to its natural end: it was not stopped";
    for (int n = 1; real_ && returned_ && n <= p.begun(); ++n)
      EXPECT_LE(p.last_moved(n), *returned_) << "a part ran on after its stop";
  }
}

inline stage::~stage() {
  while (rt().live_roots() > 0) std::this_thread::sleep_for(1ms);  // a root is counted a moment longer than it is seen
  EXPECT_EQ(rt().detached().size(), 0u) << "a detached task is left";
}

/// Plays a scenario and asserts that nothing of it is left: no root, thread, descriptor, process or memory. A fiber
/// that is left would hold a stack, and a stack that is out at a loop's end is misuse by itself.
class acceptance : public runtime_test, public testing::WithParamInterface<ground> {
 protected:
  void SetUp() override {
    runtime_test::SetUp();
    load_.emplace(GetParam().load);
  }
  void TearDown() override {
    load_.reset();
    for (const auto& p : processes_below()) ADD_FAILURE() << "process " << p.pid << ", " << p.name << ", is left";
    runtime_test::TearDown();
  }

  /// Calls `scenario(stage&)`: with fibers three times, of which the last has to give back all memory that it took, if
  /// nobody else allocates beside it. The first times pay for what is made once per process.
  template <class F>
  void play(F&& scenario, process_options pool = {.workers = 1, .spares = 1}) {
    const int times = GetParam().where == boundary::fiber ? 3 : 1;
    for (int n = 1; n <= times && !HasFatalFailure(); ++n) {
      const auto before = live_allocations();
      {
        stage on(GetParam(), pool);
        scenario(on);
      }
      if (n == 3 && GetParam().load == 0) {
        EXPECT_EQ(live_allocations(), before) << "memory is left";
      }
    }
  }

 private:
  std::optional<busy_threads> load_;
};

/// Fails with an error of its own once the part is at work.
inline auto fails_beside(const stage::part& p, std::exception_ptr error) {
  return [&p, error](context& ctx) -> int {
    p.await(ctx);
    std::rethrow_exception(error);
  };
}
/// Returns 7 once the part is at work.
inline auto quick_beside(const stage::part& p) {
  return [&p](context& ctx) {
    p.await(ctx);
    return 7;
  };
}

template <class Reason>
bool heard_only(const stage::part& p) {
  for (const auto& why : p.heard)
    if (!std::holds_alternative<Reason>(why)) return false;
  return !p.heard.empty();
}

}  // namespace workit::test
