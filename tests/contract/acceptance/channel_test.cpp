// A bounded channel holds its senders, closes with a reason, and lets cancelled waiters leave.
#include <support/refused.hpp>

#include "../shared_count.hpp"
#include "acceptance.hpp"

namespace workit::test {
namespace {

class BoundedChannel : public acceptance {};

TEST_P(BoundedChannel, AThirdSendOnTwoWaitsForAReceive) {
  run_scenario([](scenario_fixture& fixture) {
    fixture.run([](scope& s) {
      const channel<int> two({.capacity = 2});
      int sent = 0;
      s.spawn([&](context&) {
        for (int i = 1; i <= 3; ++i) {
          two.send(i);
          ++sent;
        }
      });
      s.sleep_for(1h);
      EXPECT_EQ(sent, 2);
      EXPECT_EQ(two.receive(), 1);
      s.sleep_for(1ms);
      EXPECT_EQ(sent, 3);
    });
  });
}

TEST_P(BoundedChannel, ClosedItGivesWhatItHoldsAndThenItsEnd) {
  run_scenario([](scenario_fixture& fixture) {
    fixture.run([](scope&) {
      const channel<int> three({.capacity = 3});
      for (int i = 1; i <= 3; ++i) three.send(i);
      three.close();
      std::vector<int> drained;
      for (const int i : three) drained.push_back(i);
      EXPECT_EQ(drained, (std::vector<int>{1, 2, 3}));
      EXPECT_FALSE(three.receive());
    });
  });
}

TEST_P(BoundedChannel, ClosedWithAReasonItTellsAWaitingSenderAndAnIteration) {
  run_scenario([](scenario_fixture& fixture) {
    fixture.run([](scope& s) {
      const channel<int> one;
      one.send(1);
      auto sender = s.spawn({.background = true}, [one](context&) { one.send(2); });
      s.sleep_for(1ms);
      EXPECT_EQ(sender.status(), task_status::running) << "the control arm: it waits until the channel is closed";
      one.close("shutdown");
      try {
        sender.get();
        ADD_FAILURE() << "it was sent into a closed channel";
      } catch (const channel_closed& e) {
        EXPECT_EQ(describe(e.why().value()), "manual: shutdown");
      }
      EXPECT_THROW(
          {
            for (const int i : one) EXPECT_EQ(i, 1);
          },
          channel_closed);
    });
  });
}

TEST_P(BoundedChannel, ACancelledReceiverLeavesAndTakesNothing) {
  run_scenario([](scenario_fixture& fixture) {
    fixture.run([](scope& s) {
      const channel<int> one;
      auto receiver = s.spawn([one](context&) { return one.receive(); });
      s.sleep_for(1h);
      EXPECT_EQ(receiver.status(), task_status::running);
      receiver.cancel("enough");
      EXPECT_EQ(describe(receiver.result().why()), "manual: enough");
      one.send(1);
      EXPECT_EQ(one.receive(), 1);
    });
  });
}

INSTANTIATE_TEST_SUITE_P(On, BoundedChannel, on_manual_clock(), name_of);

/// A channel whose sender is in another process gives the same results.
class BoundedWorkerChannel : public acceptance {
 protected:
  marker_folder markers;
};

void send_and_count(worker_sender<int> out, int n, const std::string& file) {
  shared_count sent(file);
  for (int i = 1; i <= n; ++i) {
    out.send(i);
    ++*sent;
  }
}

TEST_P(BoundedWorkerChannel, AThirdSendOnTwoWaitsForAReceive) {
  run_scenario([&](scenario_fixture& fixture) {
    fixture.run([&](scope& s) {
      const auto file = markers.file("sent");
      shared_count sent(file);
      const worker_channel<int> two({.capacity = 2});
      auto sender = s.spawn(offload({}, send_and_count, two, 3, file));
      while (*sent < 2) s.sleep_for(1ms);
      s.sleep_for(100ms);
      EXPECT_EQ((*sent).load(), 2);
      EXPECT_EQ(sender.status(), task_status::running);
      EXPECT_EQ(two.receive(), 1);
      while (*sent < 3) s.sleep_for(1ms);
      sender.get();
    });
  });
}

TEST_P(BoundedWorkerChannel, ClosedItGivesWhatItHoldsAndThenItsEnd) {
  run_scenario([&](scenario_fixture& fixture) {
    fixture.run([&](scope& s) {
      const worker_channel<int> three({.capacity = 3});
      offload({}, send_and_count, three, 3, markers.file("sent"))(s);  // the end of the call closes it
      std::vector<int> drained;
      for (const int i : three) drained.push_back(i);
      EXPECT_EQ(drained, (std::vector<int>{1, 2, 3}));
      EXPECT_FALSE(three.receive());
    });
  });
}

TEST_P(BoundedWorkerChannel, ClosedWithAReasonItTellsAWaitingSenderAndAnIteration) {
  run_scenario([&](scenario_fixture& fixture) {
    fixture.run([&](scope& s) {
      const auto file = markers.file("sent");
      shared_count sent(file);
      const worker_channel<int> one;
      auto sender = s.spawn(offload(
          {},
          [](worker_sender<int> out, std::string to) {
            try {
              send_and_count(out, 2, to);
            } catch (const channel_closed& e) {
              return describe(e.why().value());
            }
            return std::string("it was sent into a closed channel");
          },
          one, file));
      while (*sent < 1) s.sleep_for(1ms);
      s.sleep_for(100ms);
      EXPECT_EQ(sender.status(), task_status::running) << "the control arm: it waits until the channel is closed";
      one.close("shutdown");
      EXPECT_EQ(sender.get(), "manual: shutdown");
      EXPECT_THROW(
          {
            for (const int i : one) EXPECT_EQ(i, 1);
          },
          channel_closed);
    });
  });
}

TEST_P(BoundedWorkerChannel, ACancelledReceiverLeavesAndTakesNothing) {
  run_scenario([&](scenario_fixture& fixture) {
    fixture.run([&](scope& s) {
      const worker_channel<int> one;
      const auto go = markers.file("go");
      auto sender = s.spawn(offload(
          {},
          [](worker_sender<int> out, std::string file) {
            while (access(file.c_str(), F_OK) != 0) usleep(200);
            out.send(1);
          },
          one, go));
      auto receiver = s.spawn([one](context&) { return one.receive(); });
      s.sleep_for(1ms);
      receiver.cancel("enough");
      EXPECT_EQ(describe(receiver.result().why()), "manual: enough");
      leave_marker(go);
      EXPECT_EQ(one.receive(), 1);
      sender.get();
    });
  });
}

/// The error with which an iteration ends, after these values.
template <class Error>
void expect_end(const worker_channel<int>& of, const std::vector<int>& values) {
  std::vector<int> got;
  EXPECT_THROW(
      {
        for (const int i : of) got.push_back(i);
      },
      Error);
  EXPECT_EQ(got, values);
}

TEST_P(BoundedWorkerChannel, TheDeathOfItsSenderIsATypedCloseAfterWhatWasSent) {
  run_scenario([&](scenario_fixture& fixture) {
    fixture.run([&](scope& s) {
      const auto begin = [&](const worker_channel<int>& out, offload_options options, int how) {
        return s.spawn({.background = true}, offload(
                                                 std::move(options),
                                                 [](worker_sender<int> to, int end) {
                                                   to.send(1);
                                                   to.send(2);
                                                   if (end == 0) return;  // the control arm
                                                   if (end == 1) std::abort();
                                                   if (end == 2) _exit(3);
                                                   if (end == 3) throw std::out_of_range("row 7");
                                                   for (;;) pause();
                                                 },
                                                 out, how));
      };
      const channel_options four{.capacity = 4};
      const worker_channel<int> peaceful(four), aborted(four), left(four), failed(four), late(four), cancelled(four);
      begin(peaceful, {}, 0);
      std::vector<int> got;
      for (const int i : peaceful) got.push_back(i);
      EXPECT_EQ(got, (std::vector<int>{1, 2}));
      begin(aborted, {}, 1);
      expect_end<worker_crashed>(aborted, {1, 2});
      begin(left, {}, 2);
      expect_end<worker_crashed>(left, {1, 2});
      begin(failed, {}, 3);
      expect_end<remote_error>(failed, {1, 2});
      auto stopped = begin(cancelled, {}, 4);
      EXPECT_EQ(cancelled.receive(), 1);
      EXPECT_EQ(cancelled.receive(), 2);
      stopped.cancel("enough");
      expect_end<channel_closed>(cancelled, {});
      begin(late, {.timeout = 300ms}, 4).wait();
      EXPECT_THROW(
          {
            for (const int i : late) EXPECT_LE(i, 2);
          },
          timed_out);
    });
  });
}

INSTANTIATE_TEST_SUITE_P(On, BoundedWorkerChannel, by_workers(), name_of);

TEST(BoundedWorkerChannelOptions, RefusesCapacitiesThatCannotBe) {
  EXPECT_REFUSED(worker_channel<int>({.capacity = 0}), "capacity");
  EXPECT_REFUSED(worker_channel<int>({.capacity = static_cast<std::size_t>(-1)}), "capacity");
}

TEST(BoundedChannelOptions, RefusesCapacitiesThatCannotBe) {
  EXPECT_REFUSED(channel<int>({.capacity = 0}), "capacity");
  EXPECT_REFUSED(channel<int>({.capacity = static_cast<std::size_t>(-1)}), "capacity");
}

}  // namespace
}  // namespace workit::test
