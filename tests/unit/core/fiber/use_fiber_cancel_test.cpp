// use_fiber: the clauses about cancellation.
#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <support/fixture.hpp>
#include <thread>
#include <vector>
#include <workit/fiber/detail/fiber.hpp>
#include <workit/scope/executor.hpp>
#include <workit/scope/runtime.hpp>
#include <workit/use_fiber.hpp>

#include "use_fiber_operations.hpp"

namespace workit {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using boost::system::error_code;
using namespace std::chrono_literals;
using test::foreign_context;
using test::held_operation;
using test::manual_runtime;
using test::until_begun;

class UseFiberCancel : public test::runtime_test {};

constexpr auto aborted = asio::error::operation_aborted;

TEST_F(UseFiberCancel, CancelsAnObjectThatLivesOnAnotherContext) {
  foreign_context foreign;
  runtime rt;
  EXPECT_THROW(rt.run([&](scope& s) {
    asio::steady_timer timer(foreign.io, 24h);
    s.spawn([&] { s.cancel("stop"); });
    timer.async_wait(use_fiber);
  }),
               scope_cancelled);
}

TEST_F(UseFiberCancel, CancelsAnObjectThatLivesOnAnotherLoopOfTheRuntime) {
  runtime rt({.io_threads = 2});
  const auto other = rt.loops()[1];
  for (int i = 0; i < 2; ++i)  // one of the two roots lives on the loop of the timer
    EXPECT_THROW(rt.run([&](scope& s) {
      asio::steady_timer timer(other->io(), 24h);
      s.spawn([&] { s.cancel("stop"); });
      timer.async_wait(use_fiber);
    }),
                 scope_cancelled);
}

// --- Clause 2: a cancellation never races with the steps of a composed operation

// A pair of connected sockets whose far end is filled by a thread, byte by byte, so that a composed read has many
// steps.
struct trickle {
  stream_protocol::socket near_end;
  int far_end = -1;
  std::atomic<bool> ending{false};
  std::thread filler;

  explicit trickle(asio::io_context& io) : near_end(io) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) throw std::runtime_error("socketpair");
    near_end.assign(stream_protocol(), pair[0]);
    far_end = pair[1];
    filler = std::thread([this] {
      const char byte = 'x';
      while (!ending) {
        std::ignore = ::send(far_end, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        std::this_thread::yield();
      }
    });
  }
  ~trickle() {
    ending = true;
    filler.join();
    ::close(far_end);
  }
};

TEST_F(UseFiberCancel, CancelsAComposedReadOnAnotherThreadsContextFromAThirdThreadTwoThousandTimes) {
  constexpr int rounds = 2'000;
  foreign_context foreign;
  trickle source(foreign.io);
  runtime rt;
  std::vector<char> buffer(1 << 20);
  int cancelled_reads = 0;
  std::optional<remote_scope> target;
  std::atomic<int> round{0}, cancelled_round{0};
  std::jthread canceller([&] {
    for (int i = 1; i <= rounds; ++i) {
      while (round.load() < i) std::this_thread::yield();
      for (int spin = 0; spin < i % 50; ++spin) std::this_thread::yield();
      target->cancel("now");
      cancelled_round = i;
    }
  });
  for (int i = 1; i <= rounds; ++i) {
    try {
      rt.run([&](scope& s) {
        target = s.remote();
        round = i;
        asio::async_read(source.near_end, asio::buffer(buffer), use_fiber);
      });
      ADD_FAILURE() << "a read of 1 MiB, byte by byte, came to its end";
    } catch (const scope_cancelled&) {
      ++cancelled_reads;
    }
    while (cancelled_round.load() < i) std::this_thread::yield();  // `target` is about to change
  }
  EXPECT_EQ(cancelled_reads, rounds);
}

TEST_F(UseFiberCancel, CancelsAComposedReadOnItsOwnLoopFromAnotherThread) {
  constexpr int rounds = 500;
  runtime rt;
  trickle source(rt.loops().front()->io());
  std::vector<char> buffer(1 << 20);
  int cancelled_reads = 0;
  for (int i = 0; i < rounds; ++i) {
    std::jthread canceller;
    try {
      rt.run([&](scope& s) {
        canceller = std::jthread([r = s.remote()] { r.cancel("now"); });
        asio::async_read(source.near_end, asio::buffer(buffer), use_fiber);
      });
    } catch (const scope_cancelled&) {
      ++cancelled_reads;
    }
  }
  EXPECT_EQ(cancelled_reads, rounds);
  // The socket's loop has to end before the socket does; nothing is outstanding on it.
}

// --- Clause 3: the slot is empty before the fiber goes on

// A result that notes, whenever it is moved, whether the operation still has its handler in the slot.
struct slot_probe {
  const std::weak_ptr<void>* slot_handler = nullptr;
  bool* was_empty_at_last_move = nullptr;
  explicit slot_probe(const std::weak_ptr<void>* handler, bool* empty)
      : slot_handler(handler), was_empty_at_last_move(empty) {}
  slot_probe(slot_probe&& other) noexcept
      : slot_handler(other.slot_handler), was_empty_at_last_move(other.was_empty_at_last_move) {
    *was_empty_at_last_move = slot_handler->expired();
  }
};

TEST_F(UseFiberCancel, EmptiesTheSlotBeforeTheFiberGoesOn) {
  manual_runtime rt;
  rt.run([](scope& s) {
    held_operation<error_code, slot_probe> op;
    bool empty = false;
    s.spawn([&] {
      op.complete({}, slot_probe(&op.slot_handler, &empty));
      EXPECT_FALSE(op.slot_handler.expired()) << "while it runs, it can be cancelled";
    });
    op.async_wait(use_fiber);
    EXPECT_TRUE(empty);
  });
}

TEST_F(UseFiberCancel, LetsAnObjectBeDestroyedRightAfterItsCancelledOperation) {
  foreign_context foreign;
  runtime rt;
  for (int i = 0; i < 300; ++i) {
    std::jthread canceller;
    EXPECT_THROW(rt.run([&](scope& s) {
      auto& where = i % 2 == 0 ? foreign.io : s.node().home->io();
      stream_protocol::socket near_end(where), far_end(where);
      asio::local::connect_pair(near_end, far_end);
      std::array<char, 16> buffer{};
      canceller = std::jthread([r = s.remote()] { r.cancel("now"); });
      asio::async_read(near_end, asio::buffer(buffer), use_fiber);
    }),
                 scope_cancelled);
  }
}

// --- Clause 4: a late cancellation hits no other operation

TEST_F(UseFiberCancel, DeliversAnOperationThatCompletedBeforeTheCancellationCame) {
  manual_runtime rt;
  rt.run([](scope& s) {
    auto t = s.spawn([](context& ctx) {
      held_operation<error_code, int> op;
      auto& mine = ctx.node();
      asio::post(executor(ctx), [&] {
        op.complete({}, 5);
        asio::post(executor(ctx), [&] { mine.cell()->request(reason::user{"late"}); });
      });
      const int got = op.async_wait(use_fiber);
      EXPECT_EQ(got, 5);
      EXPECT_EQ(op.emitted, 0);
      EXPECT_TRUE(ctx.stopping());
      EXPECT_THROW(ctx.check(), cancelled) << "the cancellation fires at the next point";
      return got;
    });
    EXPECT_EQ(t.get(), 5);
  });
}

TEST_F(UseFiberCancel, DeliversAnOperationThatSucceedsAllTheSame) {
  manual_runtime rt;
  rt.run([](scope& s) {
    auto t = s.spawn([] {
      held_operation<error_code, int> op;
      op.on_emit = [&] { op.complete({}, 6); };  // too late to stop it
      const int got = op.async_wait(use_fiber);
      EXPECT_EQ(op.emitted, 1);
      return got;
    });
    until_begun(s, t);
    t.cancel("stop");
    EXPECT_EQ(t.get(), 6);
  });
}

TEST_F(UseFiberCancel, SendsALateCancellationToNoOtherOperation) {
  foreign_context foreign;
  runtime rt;
  int whole = 0, stopped = 0;
  for (int i = 0; i < 500; ++i) {
    std::jthread canceller;
    std::atomic<bool> go{false};
    rt.run([&](scope& s) {
      stream_protocol::socket near_end(foreign.io), far_end(foreign.io);
      asio::local::connect_pair(near_end, far_end);
      std::array<char, 1> byte{'x'};
      auto t = s.spawn({.background = true}, [&](context&) {
        go = true;
        asio::async_read(near_end, asio::buffer(byte), use_fiber);
      });
      canceller = std::jthread([&, t]() mutable {
        while (!go) std::this_thread::yield();
        t.cancel("at about the time it completes");
      });
      asio::async_write(far_end, asio::buffer("x", 1), use_fiber);
      const bool was_stopped = t.result().is_cancelled();
      ++(was_stopped ? stopped : whole);
      // The next operation on the same socket, of a task that is not cancelled: nothing may hit it.
      if (!was_stopped) asio::async_write(far_end, asio::buffer("y", 1), use_fiber);
      asio::async_read(near_end, asio::buffer(byte), use_fiber);
      EXPECT_EQ(byte[0], was_stopped ? 'x' : 'y');
    });
  }
  EXPECT_EQ(whole + stopped, 500);
}

// --- Clause 5: the cell is checked before the initiation; `terminal` is emitted

TEST_F(UseFiberCancel, DoesNotBeginAnOperationInAScopeThatIsStopping) {
  manual_runtime rt;
  held_operation<> op;
  rt.run([&](scope& s) {
    s.cancel("stop");
    EXPECT_THROW(op.async_wait(use_fiber), cancelled);
    EXPECT_EQ(op.initiated, 0);
  });
}

TEST_F(UseFiberCancel, EmitsTerminalOnce) {
  manual_runtime rt;
  held_operation<error_code> op;
  op.on_emit = [&] { op.complete(aborted); };
  rt.run([&](scope& s) {
    auto t = s.spawn([&] { op.async_wait(use_fiber); });
    until_begun(s, t);
    t.cancel("stop");
    EXPECT_TRUE(t.result().is_cancelled());
  });
  EXPECT_EQ(op.initiated, 1);
  EXPECT_EQ(op.emitted, 1);
  EXPECT_EQ(op.emitted_type, asio::cancellation_type::terminal);
}

TEST_F(UseFiberCancel, WaitsUntilACancelledOperationHasComeBack) {
  manual_runtime rt;
  rt.run([](scope& s) {
    held_operation<error_code> op;  // takes its time
    auto t = s.spawn([&] { op.async_wait(use_fiber); });
    until_begun(s, t);
    t.cancel("stop");
    for (int i = 0; i < 200; ++i) s.yield();
    EXPECT_EQ(op.emitted, 1);
    EXPECT_EQ(t.status(), task_status::running) << "its buffers are still in use";
    op.complete(aborted);
    EXPECT_TRUE(t.result().is_cancelled());
  });
}

TEST_F(UseFiberCancel, DeliversAnErrorOtherThanAbortedThoughItWasCancelled) {
  manual_runtime rt;
  rt.run([](scope& s) {
    held_operation<error_code> with_code;
    with_code.on_emit = [&] { with_code.complete(asio::error::broken_pipe); };
    auto t = s.spawn({.background = true}, [&] { with_code.async_wait(use_fiber); });
    held_operation<std::exception_ptr> with_exception;
    with_exception.on_emit = [&] {
      with_exception.complete(std::make_exception_ptr(std::runtime_error("its own trouble")));
    };
    auto u = s.spawn({.background = true}, [&] { with_exception.async_wait(use_fiber); });
    until_begun(s, t);
    until_begun(s, u);
    t.cancel("stop");
    u.cancel("stop");
    EXPECT_THROW(std::rethrow_exception(t.result().error()), boost::system::system_error);
    EXPECT_THROW(std::rethrow_exception(u.result().error()), std::runtime_error);
  });
}

TEST_F(UseFiberCancel, LeavesByCancelledWhenAnExceptionSaysAborted) {
  manual_runtime rt;
  rt.run([](scope& s) {
    held_operation<std::exception_ptr> op;
    op.on_emit = [&] { op.complete(std::make_exception_ptr(boost::system::system_error(aborted))); };
    auto t = s.spawn([&] { op.async_wait(use_fiber); });
    until_begun(s, t);
    t.cancel("stop");
    EXPECT_TRUE(t.result().is_cancelled());
  });
}

TEST_F(UseFiberCancel, ThrowsAbortedAsAnErrorWhenTheScopeWasNotCancelled) {
  manual_runtime rt;
  rt.run([](scope& s) {
    held_operation<error_code> op;
    s.spawn([&] { op.complete(aborted); });
    EXPECT_THROW(op.async_wait(use_fiber), boost::system::system_error) << "the socket is closed";
  });
}

TEST_F(UseFiberCancel, HandsTheAbortedCodeToAsTupleAndCancelsAtTheNextPoint) {
  manual_runtime rt;
  rt.run([](scope& s) {
    held_operation<error_code, int> op;
    op.on_emit = [&] { op.complete(aborted, 0); };
    auto t = s.spawn([&](context& ctx) {
      const auto [failed, n] = op.async_wait(asio::as_tuple(use_fiber));
      EXPECT_EQ(failed, aborted);
      ctx.check();
      ADD_FAILURE();
    });
    until_begun(s, t);
    t.cancel("stop");
    EXPECT_TRUE(t.result().is_cancelled());
  });
}

// --- Unwinding

TEST_F(UseFiberCancel, ShieldsAndBoundsAnOperationOfADestructorWhileCancelledUnwinds) {
  manual_runtime rt({.cleanup_timeout = 30s});
  const auto start = rt.clock.now();
  held_operation<error_code> quick, slow;
  slow.on_emit = [&] { slow.complete(aborted); };
  bool quick_done = false, slow_aborted = false;
  EXPECT_THROW(rt.run([&](scope& s) {
    struct says_goodbye {
      std::function<void()> goodbye;
      ~says_goodbye() { goodbye(); }
    };
    const says_goodbye guard{[&] {
      asio::post(executor(s), [&] { quick.complete({}); });
      quick_done = !std::get<0>(quick.async_wait(asio::as_tuple(use_fiber)));
      s.node().home->operation_ended();  // for the clock, the slow one below does not count
      slow_aborted = std::get<0>(slow.async_wait(asio::as_tuple(use_fiber))) == aborted;
      s.node().home->operation_started();
    }};
    s.cancel("stop");
    s.check();
  }),
               scope_cancelled);
  EXPECT_TRUE(quick_done);
  EXPECT_EQ(quick.emitted, 0);
  EXPECT_TRUE(slow_aborted) << "given up when the bound of cleanups ran out";
  EXPECT_EQ(rt.clock.now(), start + 30s);
}

TEST_F(UseFiberCancel, LeavesASocketUsableAfterACancelledRead) {
  manual_runtime rt;
  rt.run([](scope& s) {
    stream_protocol::socket a(executor(s)), b(executor(s));
    asio::local::connect_pair(a, b);
    char byte = 0;
    auto reader = s.spawn([&] { b.async_read_some(asio::buffer(&byte, 1), use_fiber); });
    until_begun(s, reader);
    reader.cancel("stop");
    EXPECT_TRUE(reader.result().is_cancelled());
    asio::async_write(a, asio::buffer("x", 1), use_fiber);
    EXPECT_EQ(b.async_read_some(asio::buffer(&byte, 1), use_fiber), 1u);
    EXPECT_EQ(byte, 'x');
  });
}

}  // namespace
}  // namespace workit
