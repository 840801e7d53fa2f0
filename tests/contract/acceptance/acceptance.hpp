// The fixture of the acceptance scenarios: the boundary they run at, the load beside them, and the check that nothing
// is left.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <deque>
#include <functional>
#include <optional>
#include <support/allocation_balance.hpp>
#include <support/processes_below.hpp>
#include <workit/preempt/stoppable_thread.hpp>

#include "../victims.hpp"

namespace workit::test {

using machine = std::chrono::steady_clock;

/// The boundary of the part to be stopped, and the number of busy threads beside it.
struct setup {
  boundary where = boundary::fiber;
  int load = 0;
};

inline std::string name_of(const testing::TestParamInfo<setup>& info) {
  return std::string(to_string(info.param.where)) + "_beside_" + std::to_string(info.param.load);
}

inline void PrintTo(const setup& s, std::ostream* out) { *out << to_string(s.where) << " beside " << s.load; }

/// All loads at each of these boundaries.
inline auto at(std::initializer_list<boundary> places) {
  std::vector<setup> all;
  for (const auto where : places)
    for (const int load : {0, 1, 2, 8}) all.push_back({where, load});
  return testing::ValuesIn(all);
}
/// Every boundary that can run a scenario.
inline auto every_boundary() {
  return at({boundary::fiber, boundary::cooperative, boundary::thread, boundary::process});
}
/// For tests that assert exact instants: fibers on a manual clock.
inline auto on_manual_clock() { return at({boundary::fiber}); }
/// For tests of processes only.
inline auto by_workers() { return at({boundary::process}); }

/// Threads that race, time out and cancel in runtimes of their own, without pause: they share the process's counters,
/// epochs and processors with the scenario. They and their loops run at nice 19: eight of them interleave with the
/// scenario on two processors and do not starve it. They never yield, and their loops, which have the process's
/// niceness by themselves, are given theirs: Linux 6.18 passes over other processes for seconds, up to a minute, where
/// threads of one group yield in a loop or wake each other in turns with different weights.
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
    const auto give_way = [] { EXPECT_EQ(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 19), 0); };
    give_way();
    manual_runtime rt;
    rt.run([&](scope&) { give_way(); });  // a loop has the process's niceness by itself
    const auto nap = [](duration d) { return [d](context& ctx) { ctx.sleep_for(d); }; };
    while (!done_) {
      rt.run([&](scope& s) {
        race(nap(1ms), timeout(2ms, nap(1h)))(s);
        s.spawn(nap(1h)).cancel("load");
      });
    }
  }

  std::atomic<bool> done_{false};
  std::vector<std::thread> threads_;
};

/// The trace of one call of a part, in memory shared with the test; each field is written in one instruction.
struct trace {
  std::atomic<bool> begun, ended;
  std::atomic<std::int64_t> moved;  // machine time
};
/// The traces of a fixture; all zero at first.
struct trace_page {
  std::atomic<bool> let_out;  // work that can still run an instruction comes to its natural end at once
  std::array<trace, 64> lives;
};

/// A page of traces in a file that host and worker map.
class shared_traces {
 public:
  explicit shared_traces(std::string file) : file_(std::move(file)) {
    const int fd = open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const bool sized = fd >= 0 && ftruncate(fd, sizeof(trace_page)) == 0;
    void* page = sized ? mmap(nullptr, sizeof(trace_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (fd >= 0) close(fd);
    if (page == MAP_FAILED) throw std::runtime_error("no memory for traces");
    page_ = static_cast<trace_page*>(page);
  }
  ~shared_traces() { munmap(page_, sizeof(trace_page)); }
  shared_traces(const shared_traces&) = delete;
  shared_traces& operator=(const shared_traces&) = delete;
  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] trace_page& page() const { return *page_; }

 private:
  const std::string file_;
  trace_page* page_;
};

/// Works until its natural end, or until `let_out` is set. Holds nothing that a stop in place would leak.
template <class Check>
int live_on(trace_page& page, std::uint64_t life, std::int64_t ms, Check&& check) {
  auto& mine = page.lives[life];
  const auto end = machine::now() + std::chrono::milliseconds(ms);
  mine.begun = true;
  for (auto now = machine::now(); now < end && !page.let_out; now = machine::now())
    for (int turn = 0; turn < 1000; ++turn) {
      mine.moved.store(now.time_since_epoch().count(), std::memory_order_relaxed);
      check();
    }
  mine.ended = true;
  return 42;
}
/// The page of the fixture that runs, for work in this process.
inline trace_page* current_traces = nullptr;

/// A loop that ignores stop tokens, in a worker process and on a thread.
inline int spin_in_worker(const std::string& traces, std::uint64_t life, std::int64_t ms) {
  const shared_traces mapped(traces);
  return live_on(mapped.page(), life, ms, [] {});
}
inline int spin_in_place(std::uint64_t life, std::int64_t ms) {
  return live_on(*current_traces, life, ms, [] {});
}
/// A loop that checks for cancellation.
inline int spin_and_check(worker_context& ctx, std::uint64_t life, std::int64_t ms) {
  return live_on(*current_traces, life, ms, [&ctx] { ctx.check(); });
}

/// How work at a worker boundary is stopped.
inline stop_method stop_method_at(boundary where) {
  return where == boundary::process  ? stop_method::killed
         : where == boundary::thread ? stop_method::abandoned
                                     : stop_method::cooperative;
}

/// One runtime with one scenario. It owns the test's parts, so that it can check them again when they would have come
/// to their natural end.
class scenario_fixture {
 public:
  class part;

  /// `pool` says how many workers there are, whichever they are.
  scenario_fixture(setup s, const process_options& pool) : where_(s.where) {
    current_traces = &traces_.page();
    switch (where_) {
      case boundary::fiber:
        pure_.emplace();
        break;
      case boundary::cooperative:
        real_.emplace(runtime_options{}, arena({.threads = pool.workers}));
        break;
      case boundary::thread:
        // No stop may be refused: its caller waits instead.
        real_.emplace(runtime_options{}, threads({.threads = pool.workers, .spares = 0, .refused_limit = 0}));
        break;
      case boundary::process:
        real_.emplace(runtime_options{}, processes(pool));
        break;
    }
  }
  ~scenario_fixture();

  [[nodiscard]] runtime& rt() { return pure_ ? pure_->rt : *real_; }
  [[nodiscard]] boundary where() const { return where_; }
  [[nodiscard]] bool is_fiber() const { return where_ == boundary::fiber; }
  /// For a call at the boundary of this fixture, if that is a worker boundary.
  [[nodiscard]] offload_options here() const { return {.boundary = where_}; }

  /// Runs the body in a root scope of which nothing is left afterwards, and keeps its receipt.
  template <class F>
  decltype(auto) run(F&& body) {
    return rt().run({.name = "scenario", .on_receipt = receipt_.keeper()}, std::forward<F>(body));
  }
  const scope_receipt& receipt() { return receipt_.get(); }

  /// Work that goes on to its natural end unless it is stopped: a fiber that sleeps, or a loop in a worker.
  /// A loop ends by itself after an hour, so that no machine is too slow to stop it before, or when it is let out.
  part& make_part(const std::string& name = "part", std::optional<std::chrono::milliseconds> lasts = {});

  /// To be called right after what stops parts has returned: nothing of them lives any more.
  void returned();
  /// Lets every worker that still runs come to its natural end.
  void let_out() { traces_.page().let_out = true; }
  /// Waits until every part would have come to its natural end: none has, none has moved since returned().
  void outlast();

 private:
  friend class part;

  const boundary where_;
  kept_receipt receipt_;
  marker_folder folder_;
  const shared_traces traces_{folder_.file("traces")};
  std::uint64_t lives_ = 0;
  std::deque<part> parts_;
  std::optional<machine::time_point> returned_;
  std::optional<manual_runtime> pure_;  // the runtimes are destroyed first: their work refers to the members above
  std::optional<runtime> real_;
};

class scenario_fixture::part {
 public:
  part(scenario_fixture& fixture, std::string name, std::chrono::milliseconds lasts)
      : fixture_(fixture), name_(std::move(name)), lasts_(lasts) {}

  /// The task function; each call is a life of its own.
  [[nodiscard]] std::function<int(context&)> body() {
    return [this](context& ctx) {
      lives_.push_back(fixture_.lives_++);
      ++live_;
      ctx.defer([this] { --live_; });
      try {
        return live(ctx, lives_.back());
      } catch (const cancelled& c) {
        heard.push_back(c.why());
        throw;
      }
    };
  }
  /// Lets the fiber's neighbours run until the first n calls are at work, in whatever order they begin.
  void await(context& ctx, int n = 1) const {
    const auto at_work = [&] {
      bool all = begun() >= n;
      for (int i = 1; all && i <= n; ++i) all = trace_of(i).begun;
      return all;
    };
    while (!at_work()) ctx.sleep_for(1ms);
  }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::chrono::milliseconds lasts() const { return lasts_; }
  [[nodiscard]] int begun() const { return static_cast<int>(lives_.size()); }
  [[nodiscard]] int live() const { return live_; }
  /// How many have come to their natural end.
  [[nodiscard]] int ended() const {
    int ends = 0;
    for (int n = 1; n <= begun(); ++n) ends += trace_of(n).ended;
    return ends;
  }
  /// When the worker of the n-th call last moved.
  [[nodiscard]] machine::time_point last_moved(int n = 1) const {
    return machine::time_point(machine::duration(trace_of(n).moved.load()));
  }

  /// Why each that was cancelled was so.
  std::vector<cancel_reason> heard;

 private:
  [[nodiscard]] trace& trace_of(int n) const {
    return fixture_.traces_.page().lives.at(lives_.at(static_cast<std::size_t>(n - 1)));
  }
  int live(context& ctx, std::uint64_t life) const {
    const auto ms = lasts_.count();
    switch (fixture_.where_) {
      case boundary::process:
        return offload(fixture_.here(), spin_in_worker, fixture_.traces_.file(), life, ms)(ctx);
      case boundary::thread:
        return offload(fixture_.here(), spin_in_place, life, ms)(ctx);
      case boundary::cooperative:
        return offload(fixture_.here(), spin_and_check, life, ms)(ctx);
      case boundary::fiber:
        break;
    }
    auto& mine = fixture_.traces_.page().lives.at(life);
    mine.begun = true;
    ctx.sleep_for(lasts_);
    mine.ended = true;
    return 42;
  }

  scenario_fixture& fixture_;
  const std::string name_;
  const std::chrono::milliseconds lasts_;
  std::vector<std::uint64_t> lives_;
  int live_ = 0;
};

inline scenario_fixture::part& scenario_fixture::make_part(const std::string& name,
                                                           std::optional<std::chrono::milliseconds> lasts) {
  return parts_.emplace_back(*this, name, lasts.value_or(is_fiber() ? natural_end : std::chrono::milliseconds(1h)));
}

inline void scenario_fixture::returned() {
  returned_ = machine::now();
  for (const auto& p : parts_) EXPECT_EQ(p.live(), 0) << "a part that was stopped lives on";
}

inline void scenario_fixture::outlast() {
  if (pure_) {
    std::chrono::milliseconds longest{0};
    for (const auto& p : parts_) longest = std::max(longest, p.lasts());
    pure_->run([longest](scope& s) { s.sleep_for(2 * longest); });
  } else {
    let_out();
    std::this_thread::sleep_for(300ms);
  }
  for (const auto& p : parts_) {
    EXPECT_EQ(p.ended(), 0) << "a part came to its natural end: it was not stopped";
    for (int n = 1; real_ && returned_ && n <= p.begun(); ++n)
      EXPECT_LE(p.last_moved(n), *returned_) << "a part ran on after its stop";
  }
}

inline scenario_fixture::~scenario_fixture() {
  while (rt().live_roots() > 0)
    std::this_thread::sleep_for(1ms);  // the count of roots falls a moment after the root has ended
  EXPECT_EQ(rt().detached().size(), 0u) << "a detached task is left";
  // By itself the runtime waits 5 s for those it has killed, and a virtual machine may stand still for longer.
  if (const auto pool = real_ ? find_pool(*real_, "") : nullptr) pool->stop({.reaping = 60s});
}

/// Runs a scenario and asserts that nothing of it is left: no root, thread, descriptor, process or memory. A fiber
/// that is left would hold a stack, and a stack that is out at a loop's end is misuse by itself.
class acceptance : public runtime_test, public testing::WithParamInterface<setup> {
 protected:
  void SetUp() override {
    if (GetParam().where == boundary::thread && !preempt::why_unsupported().empty())
      GTEST_SKIP() << preempt::why_unsupported();
    runtime_test::SetUp();
    load_.emplace(GetParam().load);
  }
  void TearDown() override {
    if (IsSkipped()) return;
    load_.reset();
    for (const auto& p : processes_below()) ADD_FAILURE() << "process " << p.pid << ", " << p.name << ", is left";
    runtime_test::TearDown();
  }

  /// Calls `scenario(scenario_fixture&)`: with fibers three times, of which the last has to give back all memory that
  /// it took, if nothing else allocates beside it. The first times pay for what is made once per process.
  template <class F>
  void run_scenario(F&& scenario, process_options pool = {.workers = 1, .spares = 1}) {
    const int times = GetParam().where == boundary::fiber ? 3 : 1;
    for (int n = 1; n <= times && !HasFatalFailure(); ++n) {
      const auto before = live_allocations();
      {
        scenario_fixture fixture(GetParam(), pool);
        scenario(fixture);
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
inline auto fails_beside(const scenario_fixture::part& p, std::exception_ptr error) {
  return [&p, error](context& ctx) -> int {
    p.await(ctx);
    std::rethrow_exception(error);
  };
}
/// Returns 7 once the part is at work.
inline auto quick_beside(const scenario_fixture::part& p) {
  return [&p](context& ctx) {
    p.await(ctx);
    return 7;
  };
}

template <class Reason>
bool heard_only(const scenario_fixture::part& p) {
  for (const auto& why : p.heard)
    if (!std::holds_alternative<Reason>(why)) return false;
  return !p.heard.empty();
}

}  // namespace workit::test
