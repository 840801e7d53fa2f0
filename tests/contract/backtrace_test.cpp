// Where a remote error was thrown.
#include <execinfo.h>

#include <algorithm>

#include "victims.hpp"

namespace workit::test {

// Not in the anonymous namespace: the program exports its functions, so that backtraces have their names.
[[gnu::noinline]] int throw_here(int row) {
  if (row >= 0) throw std::out_of_range("row " + std::to_string(row));
  return row;
}
[[gnu::noinline]] void throw_again_here(const std::exception_ptr& error) {
  std::rethrow_exception(error);
  asm volatile("");  // no jump instead of the call
}
[[gnu::noinline, noreturn]] void throw_last() { throw 7; }
[[gnu::noinline]] void terminate_here() { std::terminate(); }
[[gnu::noinline]] void throw_below(int levels) {
  if (levels == 0) throw_here(7);
  throw_below(levels - 1);
  asm volatile("");
}
[[gnu::noinline]] void terminate_below(int levels) {
  if (levels == 0) terminate_here();
  terminate_below(levels - 1);
  asm volatile("");
}

namespace {

class Backtrace : public worker_test {
 protected:
  /// That of the error with which a call ends.
  template <class F, class... A>
  static std::string of(scope& s, F fn, A... args) {
    try {
      offload({}, fn, args...)(s);
    } catch (const remote_error& e) {
      return e.backtrace();
    }
    ADD_FAILURE() << "it did not throw";
    return {};
  }
  static auto lines_of(const std::string& text) { return std::ranges::count(text, '\n'); }
  static std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }
};

#if defined(__x86_64__)

TEST_F(Backtrace, OfARemoteErrorNamesTheFunctionThatThrewFirst) {
  rt_->run([](scope& s) {
    const auto plain = of(s, throw_here, 7);
    EXPECT_NE(first_line(plain).find("workit::test::throw_here(int)"), std::string::npos) << plain;
    EXPECT_NE(plain.find("workit_contract_test"), std::string::npos) << plain;
    const auto in_scope = of(s, [](context&) { throw_here(7); });
    EXPECT_NE(first_line(in_scope).find("throw_here"), std::string::npos) << in_scope;
    const auto light = of(s, [](worker_context&) { throw_here(7); });
    EXPECT_NE(first_line(light).find("throw_here"), std::string::npos) << light;
  });
}

TEST_F(Backtrace, OfARemoteErrorNamesAFunctionThatEndsWithItsThrow) {
  rt_->run([](scope& s) {
    const auto text = of(s, [] { throw_last(); });
    EXPECT_NE(first_line(text).find("workit::test::throw_last()"), std::string::npos) << text;
  });
}

TEST_F(Backtrace, OfACrashNamesAFunctionThatEndsWithItsLastCall) {
  rt_->run([](scope& s) {
    try {
      offload({}, [] { terminate_here(); })(s);
      ADD_FAILURE() << "it came back";
    } catch (const worker_crashed& e) {
      EXPECT_NE(e.how().backtrace.find("workit::test::terminate_here()"), std::string::npos) << e.how().backtrace;
    }
  });
}

TEST_F(Backtrace, EndsWithTheTasksOwnFunction) {
  rt_->run([](scope& s) {
    const auto plain = of(s, throw_here, 7);
    EXPECT_EQ(lines_of(plain), 1) << plain;
    for (const auto& through_a_lambda : {of(s, [] { throw_here(7); }), of(s, [](context&) { throw_here(7); }),
                                         of(s, [](worker_context&) { throw_here(7); }),
                                         of(
                                             s, [](int row) mutable { throw_here(row); }, 7)})
      EXPECT_EQ(lines_of(through_a_lambda), 2) << through_a_lambda;
    try {
      offload({}, terminate_here)(s);
      ADD_FAILURE() << "it came back";
    } catch (const worker_crashed& e) {
      const auto& text = e.how().backtrace;
      const auto last = text.rfind('\n', text.size() - 2) + 1;
      EXPECT_NE(text.find("workit::test::terminate_here()", last), std::string::npos) << text;
    }
  });
}

TEST_F(Backtrace, SaysThatFurtherFramesAreCut) {
  rt_->run([](scope& s) {
    const auto deep = of(s, throw_below, 100);
    EXPECT_TRUE(deep.ends_with("\n(further frames are cut)\n")) << deep;
    EXPECT_EQ(of(s, throw_below, 10).find("cut"), std::string::npos) << "the control";
    try {
      offload({}, terminate_below, 100)(s);
      ADD_FAILURE() << "it came back";
    } catch (const worker_crashed& e) {
      EXPECT_TRUE(e.how().backtrace.ends_with("\n(further frames are cut)\n")) << e.how().backtrace;
    }
  });
}

// The control arm: the backtrace of a handler, which no longer shows the throw.
TEST_F(Backtrace, ControlArmWhereItIsCaughtTheStackKnowsNothingOfTheThrow) {
  rt_->run([](scope& s) {
    const auto seen = offload({}, [] {
      try {
        throw_here(7);
      } catch (const std::out_of_range&) {
      }
      void* frames[32];
      const int n = backtrace(frames, 32);
      char** lines = backtrace_symbols(frames, n);
      std::string text;
      for (int i = 0; i < n; ++i) text.append(lines[i]).push_back('\n');
      std::free(lines);
      return text;
    })(s);
    EXPECT_NE(seen.find("workit-worker"), std::string::npos) << seen;
    EXPECT_GT(lines_of(seen), 10) << "the whole stack of a task has the runtime's frames";
    EXPECT_EQ(seen.find("throw_here"), std::string::npos) << seen;
  });
}

TEST_F(Backtrace, IsThatOfTheErrorThatLeftNotOfOneThatWasCaught) {
  rt_->run([](scope& s) {
    const auto second = of(s, [] {
      try {
        throw_here(7);
      } catch (const std::out_of_range&) {
      }
      throw_again_here(std::make_exception_ptr(std::runtime_error("another")));
    });
    EXPECT_NE(second.find("throw_again_here"), std::string::npos) << second;
    EXPECT_EQ(second.find("throw_here(int)"), std::string::npos) << second;
  });
}

TEST_F(Backtrace, OfOneTaskIsNeverSeenWithTheNext) {
  runtime rt({}, processes({.workers = 1, .spares = 0}));  // the same worker
  rt.run([](scope& s) {
    for (int i = 0; i < 3; ++i) {
      EXPECT_NE(of(s, throw_here, 7).find("throw_here"), std::string::npos);
      const auto next = of(s, [] { throw_again_here(std::make_exception_ptr(std::runtime_error("b"))); });
      EXPECT_NE(next.find("throw_again_here"), std::string::npos) << next;
      EXPECT_EQ(next.find("throw_here(int)"), std::string::npos) << next;
    }
  });
}

TEST_F(Backtrace, IsHadInASandboxToo) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "UBSan, which this is built with too, asks by pipe2() whether an object's memory can be read";
#endif
  if (!workers::missing_for_sandbox().empty()) GTEST_SKIP() << workers::missing_for_sandbox();
  runtime rt({}, processes({.workers = 1, .sandbox = sandbox::compute_only}));
  rt.run([](scope& s) {
    const auto text = of(s, throw_here, 7);
    EXPECT_NE(first_line(text).find("throw_here"), std::string::npos) << text;
  });
}

#endif

TEST_F(Backtrace, IsEmptyWhereTheWordsCameFromElsewhere) {
  EXPECT_EQ(remote_error("std::out_of_range", "row 7").backtrace(), "");
  rt_->run([](scope& s) {
    EXPECT_EQ(offload({}, throw_here, -1)(s), -1);
    try {
      offload({}, [](context& ctx) { ctx.scope([](scope& inner) { inner.cancel("x"), inner.check(); }); })(s);
      ADD_FAILURE();
    } catch (const remote_error& e) {
      EXPECT_EQ(e.message(), "the task cancelled its own scope");
      EXPECT_EQ(e.backtrace(), "") << "nothing that the worker threw came through as an error";
    }
  });
}

}  // namespace
}  // namespace workit::test
