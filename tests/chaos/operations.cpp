// The operations: what programs do with scopes, tasks, channels and boundaries, at random and all at once.
#include <boost/asio/steady_timer.hpp>
#include <workit/compose.hpp>
#include <workit/scope/executor.hpp>
#include <workit/use_fiber.hpp>
#include <workit/wait/channel.hpp>
#include <workit/work.hpp>

#include "guests.hpp"
#include "place.hpp"

namespace workit::chaos {
namespace {

using namespace std::chrono_literals;

// --- Within the host -------------------------------------------------------------------------------------------------

void spawn_some(place& at) {
  std::vector<std::pair<std::uint64_t, task<std::uint64_t>>> all;
  for (auto left = 1 + at.random.below(8); left > 0; --left) {
    const auto x = at.random();
    const auto pause = at.random.us(300);
    all.emplace_back(x, at.spawn([x, pause, hold = at.held()](context& ctx) {
      ctx.defer([] {});
      if (pause < 100us)
        ctx.yield();
      else
        ctx.sleep_for(pause);
      return guests::mix(x, 10);
    }));
  }
  const bool cancels = at.random.one_in(4);
  if (cancels) all.front().second.cancel("chaos");
  for (auto& [x, each] : all) at.expect("a task", each.result(), guests::mix(x, 10), cancels);
}

void nest(place& at) {
  const auto steps = 1 + at.random.below(4);
  const bool ends_early = at.random.one_in(4), fails = at.random.one_in(8);
  scope_options options{.name = "nested"};
  if (at.random.one_in(2)) options.deadline = at.random.us(20'000);
  try {
    at.open(std::move(options), [&](place& below) {
      below.defer();
      for (auto left = steps; left > 0; --left) operate(below);
      if (ends_early) below.s.cancel("enough");
      if (fails) throw std::out_of_range("chaos");
      below.s.check();
    });
  } catch (const std::out_of_range&) {
    if (!fails) at.in.own.complain("a scope has failed by itself");
  } catch (...) {
    if (!is_stop(std::current_exception())) throw;
    at.s.check();
  }
}

void outlive_a_deadline(place& at) {
  bool came_back = false;
  try {
    at.open({.name = "deadline", .deadline = at.random.us(2'000)}, [&](place& below) {
      below.defer();
      below.s.sleep_for(1h);
      came_back = true;
    });
  } catch (const timed_out&) {
  } catch (const scope_cancelled&) {  // from the board
  }
  if (came_back) at.in.own.complain("a sleep of an hour has returned");
}

void pass_through_a_channel(place& at) {
  const channel<std::uint64_t> values({.capacity = 1 + at.random.below(8)});
  const auto count = at.random.below(200), first = at.random();
  auto sender = at.spawn([=, hold = at.held()] {
    for (std::uint64_t i = 0; i < count; ++i) values.send(first + i);
    values.close();
  });
  std::uint64_t got = 0;
  bool whole = true;
  while (const auto value = values.receive()) whole &= *value == first + got++;
  sender.wait();
  if (sender.status() == task_status::succeeded && (!whole || got != count))
    at.in.own.complain("a channel has lost or mixed up values");
}

void compose_some(place& at) {
  const auto x = at.random();
  const auto compute = [x, hold = at.held()](context& ctx) {
    ctx.yield();
    return guests::mix(x, 5);
  };
  const auto right = guests::mix(x, 5);
  const auto is = [&](const char* what, std::uint64_t got) {
    if (got != right) at.in.own.complain(std::string("a wrong value: ") + what);
  };
  const auto never = [hold = at.held()](context& ctx) {
    ctx.sleep_for(1h);
    return std::uint64_t{0};
  };
  switch (at.random.below(7)) {
    case 0: {
      const auto [a, b, c] = all(compute, compute, compute)(at.s);
      return is("all", a == b && b == c ? a : 0);
    }
    case 1:
      return is("race", race(never, compute)(at.s));
    case 2:
      return is("any", any(compute, never)(at.s));
    case 3: {
      int tries = 0;
      return is("retry", retry({.times = 3, .initial_delay = 50us}, [&](context& ctx) {
                  if (++tries < 3) throw std::out_of_range("chaos");
                  return compute(ctx);
                })(at.s));
    }
    case 4:
      try {
        timeout(at.random.us(1'000), never)(at.s);
        return at.in.own.complain("a time-out did not come");
      } catch (const timed_out&) {
        return;
      }
    case 5:
      return is("hedge", hedge({.after = 100us}, compute)(at.s));
    default:
      return is("uncancellable", uncancellable(5s, compute)(at.s));
  }
}

void work_on_a_range(place& at) {
  const auto count = at.random.below(100);
  std::vector<std::uint64_t> numbers(count);
  for (std::uint64_t i = 0; i < count; ++i) numbers[i] = i;
  auto job = work(numbers).in_parallel(1 + at.random.below(8)).map([hold = at.held()](context& ctx, std::uint64_t x) {
    if (x % 7 == 0) ctx.yield();
    return guests::mix(x, 3);
  });
  const auto made = std::move(job).collect()(at.s);
  for (std::uint64_t i = 0; i < count; ++i)
    if (made.at(i) != guests::mix(i, 3)) return at.in.own.complain("a wrong value: work()");
}

void spend_a_budget(place& at) {
  static const budget_key pence("chaos.pence");
  const auto wanted = at.random.below(60);
  std::uint64_t paid = 0;
  try {
    at.open({.name = "budget", .budgets = {{pence, 40}}}, [&](place& below) {
      for (std::uint64_t i = 0; i < wanted; ++i)
        below.spawn([&, hold = below.held()](context& ctx) { ctx.consume(pence, 1), ++paid; });
    });
  } catch (const budget_exceeded&) {
    if (wanted <= 40) at.in.own.complain("a budget of 40 did not pay for " + std::to_string(wanted));
  } catch (const scope_cancelled&) {
  }
  if (paid > 40) at.in.own.complain("a budget of 40 paid for " + std::to_string(paid));
}

void listen(place& at) {
  int told = 0;
  std::uint64_t events = 0;
  try {
    at.open({.name = "listened"}, [&](place& below) {
      below.s.on_cancel([&](const cancel_reason&) { ++told; }).keep();
      below.s.on_event([&](const lifecycle_event&) { ++events; }).keep();
      const auto dropped = below.s.on_cancel([&](const cancel_reason&) { told += 100; });
      below.spawn([hold = below.held()](context& ctx) { ctx.sleep_for(1h); });
      below.s.cancel("chaos");
    });
  } catch (const scope_cancelled&) {
  }
  if (told != 1 && !at.s.stopping())
    at.in.own.complain("a handler of a cancellation was called " + std::to_string(told) + " times");
  if (events == 0) at.in.own.complain("a scope closed without an event");
}

void share_a_task(place& at) {
  const auto x = at.random();
  std::vector<shared_task<std::uint64_t>> all;
  at.book->given_from_outside.fetch_add(3);  // how many of them are new is the library's to know
  for (int i = 0; i < 3; ++i)
    all.push_back(
        at.s.spawn_once("key " + std::to_string(x), {.background = true}, [x, hold = at.held()](context& ctx) {
          ctx.yield();
          return guests::mix(x, 2);
        }));
  for (auto& each : all)
    if (each.get() != guests::mix(x, 2)) at.in.own.complain("a wrong value: spawn_once");
}

void await_a_timer(place& at) {
  boost::asio::steady_timer timer(executor(at.s), at.random.us(500));
  timer.async_wait(use_fiber);
}

void detach(place& at) {
  detached(at.in.rt, {.name = "detached", .max_lifetime = at.random.us(20'000)},
           [pause = at.random.us(10'000), hold = at.held()](context& ctx) { ctx.sleep_for(pause); });
}

void reach_into_another(place& at) {
  const auto other = at.in.scopes.take(at.random());
  if (!other) return;
  switch (at.random.below(4)) {
    case 0:
      other->cancel("from elsewhere");
      return;
    case 1:
      static_cast<void>(other->status());
      return;
    default: {
      auto given = other->spawn({.name = "given", .background = true}, [hold = at.held()](context& ctx) {
        ctx.yield();
        return 7;
      });
      if (at.random.one_in(2)) return;
      const auto got = given.result();
      if (got.is_error()) at.in.own.complain("a task given from elsewhere ended by " + words_of(got.error()));
    }
  }
}

// --- Behind boundaries -----------------------------------------------------------------------------------------------

offload_options to_processes(place& at) {
  return {.timeout = 20s, .pool = at.in.process_pools[at.random.below(at.in.process_pools.size())]};
}

offload_options to_any(place& at) {
  const auto where = at.in.boundaries[at.random.below(at.in.boundaries.size())];
  return where == boundary::process ? to_processes(at) : offload_options{.boundary = where, .timeout = 20s};
}

template <class F>
auto offloaded(place& at, F function) {
  return at.spawn([hold = at.held(), function = std::move(function)](context& ctx) mutable { return function(ctx); });
}

void compute_elsewhere(place& at) {
  const auto x = at.random(), rounds = at.random.below(100'000);
  at.expect("mix", offloaded(at, offload(to_any(at), guests::mix, x, rounds)).result(), guests::mix(x, rounds));
}

void carry_much(place& at) {
  const auto first = static_cast<std::uint32_t>(at.random());
  const auto count = static_cast<std::uint32_t>(at.random.below(at.random.one_in(4) ? 512'000 : 4'000));
  const auto numbers = guests::numbers(first, count);
  switch (at.random.below(3)) {
    case 0:
      return at.expect("numbers", offloaded(at, offload(to_processes(at), guests::numbers, first, count)).result(),
                       numbers);
    case 1:
      return at.expect("sum", offloaded(at, offload(to_processes(at), guests::sum, numbers)).result(),
                       guests::sum(numbers));
    default: {
      shared_buffer buffer(numbers.size() * sizeof numbers[0]);
      std::ranges::copy(numbers, buffer.write<std::uint32_t>().begin());
      buffer.seal();
      return at.expect("a buffer", offloaded(at, offload(to_processes(at), guests::sum_of_buffer, buffer)).result(),
                       guests::sum(numbers));
    }
  }
}

void stop_a_loop(place& at) {
  auto where = to_any(at);
  // What runs in the arena has to ask; what is left in place leaks what it had allocated.
  if (where.boundary == boundary::cooperative) where.boundary = boundary::process;
  const bool allocates = where.boundary == boundary::process && at.random.one_in(2);
  const bool by_timeout = at.random.one_in(2);
  if (by_timeout) where.timeout = at.random.us(3'000);
  auto loop = offloaded(at, offload(std::move(where), allocates ? guests::churn : guests::spin));
  if (!by_timeout) {
    at.s.sleep_for(at.random.us(3'000));
    loop.cancel("chaos");
  }
  at.expect_none("a loop without end", loop.result());
}

void stop_what_asks(place& at) {
  auto where = to_any(at);
  where.grace = 10s;
  auto loop = offloaded(at, offload(std::move(where), guests::polite));
  at.s.sleep_for(at.random.us(2'000));
  loop.cancel("chaos");
  const auto got = loop.result();
  if (got.is_error()) at.failed("a loop that asks", got.error());
}

void fail_elsewhere(place& at) {
  const int n = static_cast<int>(at.random.below(1000));
  const auto got = offloaded(at, offload(to_any(at), guests::fail, n)).result();
  if (got.has_value()) return at.in.own.complain("a function that throws has a value");
  if (!got.is_error()) return at.expect_none("a failure", got, false);
  const auto said = words_of(got.error());
  if (said.find("out_of_range") == std::string::npos || said.find("chaos " + std::to_string(n)) == std::string::npos)
    at.failed("a function that throws", got.error());
}

void crash_elsewhere(place& at) {
  const auto got =
      offloaded(at, offload(to_processes(at), guests::crash, static_cast<int>(at.random.below(4)))).result();
  if (got.has_value()) return at.in.own.complain("a crash has a value");
  if (!got.is_error()) return at.expect_none("a crash", got, false);
  try {
    std::rethrow_exception(got.error());
  } catch (const worker_crashed&) {
  } catch (const sandbox_violated&) {
  } catch (...) {
    at.failed("a crash", got.error());
  }
}

void want_too_much(place& at) {
  auto where = to_processes(at);
  where.limits.memory = std::uint64_t{4} << 20;
  const auto got = offloaded(at, offload(std::move(where), guests::take_memory, std::uint64_t{64} << 20)).result();
  if (got.has_value()) return at.in.own.complain("a limit of memory did not hold");
  if (!got.is_error()) return at.expect_none("a task without memory", got, false);
  try {
    std::rethrow_exception(got.error());
  } catch (const resource_exceeded&) {
  } catch (...) {
    at.failed("a task without memory", got.error());
  }
}

void stream_elsewhere(place& at) {
  const worker_channel<std::uint64_t> values({.capacity = 1 + at.random.below(16)});
  const auto first = at.random(), count = at.random.below(500);
  auto sender = offloaded(at, offload(to_processes(at), guests::stream, values, first, count));
  const bool stops = at.random.one_in(4);
  std::uint64_t got = 0;
  bool whole = true;
  try {
    while (const auto value = values.receive()) {
      whole &= *value == first + got++;
      if (stops && got == count / 2) sender.cancel("chaos");
    }
  } catch (const cancelled&) {
    throw;
  } catch (...) {  // the error of the call, which it has itself, too
  }
  const auto ended = sender.result();
  if (!whole || (ended.has_value() && got != count))
    at.in.own.complain("a channel from a worker has lost or mixed up values");
  if (ended.is_error()) at.failed("a task that streams", ended.error());
}

void nest_elsewhere(place& at) {
  const auto tasks = at.random.below(20);
  std::uint64_t right = 0;
  for (std::uint64_t i = 0; i < tasks; ++i) right += guests::mix(i, 10);
  at.expect("a scope in a worker", offloaded(at, offload(to_processes(at), guests::nested, tasks)).result(), right);
}

void leave_something(place& at) {
  const auto got =
      offloaded(at, offload({.timeout = 20s}, guests::leave, static_cast<int>(at.random.below(3)))).result();
  if (got.is_error()) at.failed("a task that leaves something", got.error());
}

struct weighed {
  void (*run)(place&);
  unsigned weight;
};
constexpr weighed operations[] = {
    {spawn_some, 6},
    {nest, 8},
    {outlive_a_deadline, 2},
    {pass_through_a_channel, 3},
    {compose_some, 6},
    {work_on_a_range, 2},
    {spend_a_budget, 2},
    {listen, 2},
    {share_a_task, 2},
    {await_a_timer, 2},
    {detach, 1},
    {reach_into_another, 4},
    {compute_elsewhere, 8},
    {carry_much, 3},
    {stop_a_loop, 4},
    {stop_what_asks, 2},
    {fail_elsewhere, 2},
    {crash_elsewhere, 1},
    {want_too_much, 1},
    {stream_elsewhere, 2},
    {nest_elsewhere, 1},
    {leave_something, 1},
};

}  // namespace

void operate(place& at) {
  constexpr int deepest = 3;
  unsigned sum = 0;
  for (const auto& each : operations) sum += each.weight;
  auto drawn = at.random.below(sum);
  for (const auto& each : operations) {
    if (drawn < each.weight) return each.run == nest && at.depth >= deepest ? spawn_some(at) : each.run(at);
    drawn -= each.weight;
  }
}

}  // namespace workit::chaos
