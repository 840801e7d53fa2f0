// Handles that outlive their runtime: they answer, and keep no descriptor open.
#include <any>
#include <functional>
#include <support/descriptor_balance.hpp>
#include <workit/scope/lazy_resource.hpp>
#include <workit/scope/shared_task.hpp>
#include <workit/status/diagnose.hpp>
#include <workit/wait/channel.hpp>
#include <workit/workers/worker_channel.hpp>

#include "receipt_of.hpp"
#include "victims.hpp"

namespace workit::test {
namespace {

/// One way to keep something of a runtime: what it returns outlives that.
struct kind {
  const char* name;
  std::function<std::any(runtime&)> keep;
};
template <class T>
std::any kept(T handle) {
  return std::make_shared<T>(std::move(handle));
}
/// What `take` gives within a scope.
template <class F>
std::function<std::any(runtime&)> in_scope(F take) {
  return [take](runtime& rt) { return rt.run([&](scope& s) { return kept(take(s)); }); };
}

int one() { return 1; }
void spin_for_ms(std::int64_t ms) { spin_for(std::chrono::milliseconds(ms)); }
void send_one(worker_sender<int> to) { to.send(1); }

const kind kinds[] = {
    {"task_of_a_root", [](runtime& rt) { return kept(rt.spawn({}, [](scope&) { return 1; })); }},
    {"task_of_a_scope", in_scope([](scope& s) { return s.spawn([](context&) { return 1; }); })},
    {"task_of_an_offload", in_scope([](scope& s) { return s.spawn(offload(one)); })},
    {"cancelled_task_of_an_offload", in_scope([](scope& s) {
       auto task = s.spawn({.background = true}, offload(spin_for_ms, std::int64_t{60'000}));
       s.sleep_for(5ms);
       task.cancel("enough");
       return task;
     })},
    {"receipt_of_a_task", in_scope([](scope& s) {
       auto task = s.spawn(offload(one));
       task.wait();
       return task.receipt();
     })},
    {"shared_task", in_scope([](scope& s) { return s.spawn_once("key", [](context&) { return 1; }); })},
    {"remote_scope", in_scope([](scope& s) { return s.remote(); })},
    {"on_event", in_scope([](scope& s) { return s.on_event([](const lifecycle_event&) {}); })},
    {"on_cancel", in_scope([](scope& s) { return s.on_cancel([](const cancel_reason&) {}); })},
    {"stop_token", in_scope([](scope& s) { return s.stop_token(); })},
    {"lazy_resource", in_scope([](scope& s) {
       lazy_resource<int> resource(
           s, {}, [](context&) { return 1; }, [](int&) {});
       static_cast<void>(resource.get());
       return resource;
     })},
    {"channel", in_scope([](scope& s) {
       channel<int> values({.capacity = 2});
       s.spawn([values](context&) { values.send(1); });
       return values;
     })},
    {"worker_channel", in_scope([](scope& s) {
       worker_channel<int> values;
       offload(send_one, values)(s);
       return values;
     })},
    {"shared_pointer_to_a_pool", [](runtime& rt) { return kept(find_pool(rt, "")); }},
    {"pool_status", [](runtime& rt) { return kept(find_pool(rt, "")->status()); }},
    {"snapshot", [](runtime& rt) { return kept(rt.status()); }},
    {"exception_of_an_offload", in_scope([](scope& s) {
       return s.spawn({.background = true}, offload([] { throw std::runtime_error("no"); })).result().error();
     })},
    {"outcome_of_a_crash",
     in_scope([](scope& s) { return s.spawn({.background = true}, offload([] { _exit(3); })).result().error(); })},
};

class HandleThatOutlivesItsRuntime : public runtime_test, public testing::WithParamInterface<kind> {};

TEST_P(HandleThatOutlivesItsRuntime, KeepsNoDescriptor) {
  const auto before = lasting_descriptors();
  std::any handle;
  {
    runtime rt({.io_threads = 2}, processes({.workers = 1}));
    handle = GetParam().keep(rt);
    ASSERT_TRUE(handle.has_value());
    EXPECT_GT(open_descriptors(), before) << "the control arm: a runtime has descriptors";
  }
  EXPECT_EQ(lasting_descriptors(), before) << census::descriptors_by_name();
}

TEST_P(HandleThatOutlivesItsRuntime, KeepsNoneOfARuntimeThatWasShutDownBefore) {
  const auto before = lasting_descriptors();
  std::any handle;
  {
    runtime rt({}, processes({.workers = 1}));
    handle = GetParam().keep(rt);
    rt.shutdown();
  }
  EXPECT_EQ(lasting_descriptors(), before) << census::descriptors_by_name();
}

INSTANTIATE_TEST_SUITE_P(Kept, HandleThatOutlivesItsRuntime, testing::ValuesIn(kinds),
                         [](const auto& tested) { return std::string(tested.param.name); });

class Handles : public runtime_test {};

TEST_F(Handles, ThatOutliveTheirRuntimeCanStillBeUsed) {
  std::optional<remote_scope> scope_handle;
  std::optional<task<int>> done;
  std::shared_ptr<workers::process_pool> pool;
  {
    runtime rt({}, processes({.workers = 1}));
    pool = find_pool(rt, "");
    done = rt.run([&](scope& s) {
      scope_handle = s.remote();
      return s.spawn(offload(one));
    });
  }
  EXPECT_FALSE(scope_handle->cancel("late")) << "its scope has closed";
  EXPECT_EQ(done->get(), 1);
  done->cancel("late");
  EXPECT_EQ(pool->status().busy, 0u);
  EXPECT_TRUE(pool->stop().unreaped.empty());
}

// Late posts come from many threads while the runtime ends: each cancellation is posted to its loop.
TEST_F(Handles, AreUsedFromOtherThreadsWhileTheirRuntimeEnds) {
  for (int round = 0; round < 50; ++round) {
    std::vector<task<void>> roots;
    std::atomic<bool> over{false};
    std::thread canceller;
    {
      runtime rt;
      for (int i = 0; i < 20; ++i) roots.push_back(rt.spawn({}, [](scope& s) { s.sleep_for(1h); }));
      canceller = std::thread([&] {
        for (std::size_t i = 0; !over; ++i) roots[i % roots.size()].cancel("any time");
      });
    }
    over = true;
    canceller.join();
    for (auto& root : roots) EXPECT_TRUE(root.result().is_cancelled());
  }
}

}  // namespace
}  // namespace workit::test
