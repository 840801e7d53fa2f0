// Spawns victims in a scope, cancels it, and times each step.
#include "stops.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <workit/workit.hpp>

#include "child.hpp"
#include "stopwatch.hpp"
#include "victims.hpp"

namespace workit::bench {
namespace {

using namespace std::chrono_literals;

/// Of this process, where victims on threads find it; worker processes open it by its path.
std::atomic<shared_page*> page_here{nullptr};

void run_victim(std::string name, std::string path, std::uint64_t mib) {
  shared_page* const here = page_here;
  auto& page = here != nullptr ? *here : *open_page(path);
  hold_memory(mib);
  find_victim(name).run([&page] { ++page.ready; }, page);
}

void run_cooperative_victim(worker_context& ctx) {
  ++page_here.load()->ready;
  for (;;) ctx.check();
}

/// When it began; the machine's clock is one for all processes. It computes for that many milliseconds.
std::int64_t next_task(int computes_ms) {
  const auto began = stopwatch::clock::now();
  for (const auto until = began + std::chrono::milliseconds(computes_ms); stopwatch::clock::now() < until;) {
  }
  return began.time_since_epoch().count();
}

std::unique_ptr<service> pool_for(boundary where, std::size_t victims, std::size_t spares) {
  if (where == boundary::process) return processes({.workers = victims, .spares = spares});
  if (where == boundary::thread) return threads({.threads = victims, .spares = spares});
  return arena({.threads = victims});
}

/// The receipt of a scope, once it is complete.
class awaited_receipt {
 public:
  void set(const scope_receipt& r) {
    receipt_ = r;
    complete_ = true;
  }
  const scope_receipt& wait(context& ctx) const {
    while (!complete_) ctx.sleep_for(200us);
    return receipt_;
  }

 private:
  scope_receipt receipt_;
  std::atomic<bool> complete_{false};
};

class stop_meter {
 public:
  explicit stop_meter(const stop_plan& plan) : plan_(plan) {
    if (plan.where != boundary::process) page_here = page_.operator->();
  }
  ~stop_meter() { page_here = nullptr; }
  stop_meter(const stop_meter&) = delete;
  stop_meter& operator=(const stop_meter&) = delete;

  stop_samples run() {
    const auto victims = static_cast<std::size_t>(plan_.victims);
    runtime rt({}, pool_for(plan_.where, victims, plan_.spares ? victims : 0));
    rt.run([&](scope& s) {
      for (int i = 0; i < plan_.n; ++i) once(s);
    });
    return std::move(all_);
  }

 private:
  void spawn_victim(scope& s) const {
    if (plan_.where == boundary::cooperative)
      s.spawn(offload({.boundary = plan_.where}, run_cooperative_victim));
    else
      s.spawn(offload({.boundary = plan_.where}, run_victim, plan_.victim, page_.path(),
                      static_cast<std::uint64_t>(plan_.memory_mib)));
  }

  void once(scope& s) {
    page_->ready = 0;
    awaited_receipt receipt;
    std::optional<task<std::int64_t>> waiting;
    const auto computes = static_cast<int>(plan_.next_computes.count());
    try {
      s.scope({.name = "victims", .on_receipt = [&](const scope_receipt& r) { receipt.set(r); }}, [&](scope& inner) {
        for (int i = 0; i < plan_.victims; ++i) spawn_victim(inner);
        while (page_->ready != static_cast<std::uint32_t>(plan_.victims)) inner.sleep_for(500us);
        for (const auto until = stopwatch::clock::now() + plan_.head_start; stopwatch::clock::now() < until;)
          inner.sleep_for(500us);
        if (plan_.queued) waiting.emplace(s.spawn(offload({.boundary = plan_.where}, next_task, computes)));
        inner.sleep_for(3ms);  // the pool has parked its spares
        pause_();
        inner.cancel("enough");
        inner.check();
      });
    } catch (const scope_cancelled&) {
    }
    const auto resumed = stopwatch::clock::now();
    const auto runs = waiting ? waiting->get() : offload({.boundary = plan_.where}, next_task, 0)(s);
    const auto next = stopwatch::clock::now();
    record(receipt.wait(s), {resumed, time_point(duration(runs)), next});
    s.sleep_for(3ms);
  }

  /// What came after the stop.
  struct afterwards {
    time_point resumed, next_runs, next;
  };

  void record(const scope_receipt& r, const afterwards& then) {
    const auto refused = [](const auto& stop) { return stop.receipt.method == stop_method::refused; };
    if (std::any_of(r.stops.begin(), r.stops.end(), refused)) {
      ++all_.refused;
      return;
    }
    const auto requested = r.requested.value();
    auto stopped = requested, reclaimed = requested;
    for (const auto& stop : r.stops) {
      stopped = std::max(stopped, stop.receipt.stopped);
      reclaimed = std::max(reclaimed, stop.receipt.reclaimed.value_or(stop.receipt.stopped));
    }
    all_.proof = to_string(r.stops.at(0).receipt.proof);
    all_.stopped.push_back(us(stopped - requested));
    all_.resumed.push_back(us(then.resumed - requested));
    all_.start.push_back(us(then.next_runs - then.resumed));
    all_.next_runs.push_back(us(then.next_runs - requested));
    all_.handed_on.push_back(us(then.next_runs - stopped));
    all_.next.push_back(us(then.next - requested));
    all_.reclaimed.push_back(us(reclaimed - requested));
    if (plan_.victim == "stamp") all_.last.push_back(us(time_point(duration(page_->stamp)) - requested));
  }

  const stop_plan plan_;
  const page_owner page_;
  random_pause pause_;
  stop_samples all_;
};

std::mutex held;
std::atomic<bool> let_go{false};
void compute_under_a_lock() {
  const std::lock_guard guard(held);
  ++page_here.load()->ready;
  while (!let_go.load(std::memory_order_relaxed)) {
  }
}

}  // namespace

stop_samples stops(const stop_plan& plan) {
  const auto& victim = find_victim(plan.victim);
  if (plan.where != boundary::process && plan.memory_mib != 0)
    throw std::invalid_argument("a victim holds memory at the process boundary only");
  if (plan.where == boundary::thread && !victim.at_thread)
    throw std::invalid_argument("victim " + plan.victim +
                                " waits in the kernel: the thread boundary refuses to stop it");
  return stop_meter(plan).run();
}

samples deadline_lateness(boundary where, int n) {
  constexpr auto limit = 10ms;
  const page_owner page;
  if (where == boundary::thread) page_here = page.operator->();
  runtime rt({}, pool_for(where, 1, 1));
  samples all;
  rt.run([&](scope& s) {
    for (int i = 0; i < n; ++i) {
      awaited_receipt receipt;
      try {
        s.scope({.deadline = limit, .on_receipt = [&](const scope_receipt& r) { receipt.set(r); }}, [&](scope& inner) {
          offload({.boundary = where}, run_victim, std::string("spin"), page.path(), std::uint64_t{0})(inner);
        });
      } catch (const timed_out&) {
      }
      const auto& complete = receipt.wait(s);
      all.push_back(us(complete.stops.at(0).receipt.stopped - complete.opened - limit));
    }
  });
  page_here = nullptr;
  return all;
}

samples next_after_refusal(int n) {
  const page_owner page;
  page_here = page.operator->();
  runtime rt({}, threads({.threads = 1, .spares = 1, .stop_timeout = 1ms}));
  const auto pool = find_threads(rt, "");
  samples all;
  rt.run([&](scope& s) {
    for (int i = 0; i < n; ++i) {
      let_go = false;
      page->ready = 0;
      awaited_receipt receipt;
      try {
        s.scope({.on_receipt = [&](const scope_receipt& r) { receipt.set(r); }}, [&](scope& inner) {
          inner.spawn(offload({.boundary = boundary::thread}, compute_under_a_lock));
          while (page->ready == 0) inner.sleep_for(500us);
          inner.cancel("enough");
          inner.check();
        });
      } catch (const scope_cancelled&) {
      }
      offload({.boundary = boundary::thread}, [] { return 1; })(s);
      const auto next = stopwatch::clock::now();
      let_go = true;
      all.push_back(us(next - receipt.wait(s).stops.at(0).receipt.stopped));
      while (!pool->status().refused.empty()) s.sleep_for(200us);
    }
  });
  page_here = nullptr;
  return all;
}

}  // namespace workit::bench
