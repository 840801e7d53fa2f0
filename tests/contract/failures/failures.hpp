// The fixture of the failure tests: a runtime with worker processes, whose every promise can be tried out in one call.
#pragma once

#include <sys/resource.h>

#include <csignal>
#include <functional>
#include <support/processes_below.hpp>
#include <support/seed.hpp>

#include "../victims.hpp"

namespace workit::test {

using machine = std::chrono::steady_clock;

/// A bound, longer under sanitizers.
inline constexpr std::chrono::milliseconds bound(std::chrono::milliseconds promised) {
  return promised * WORKIT_TEST_SLOWNESS;
}

/// Waits until `done()` is true; false when that took longer than any machine needs.
template <class Predicate>
bool eventually(Predicate done, std::chrono::milliseconds limit = bound(10s)) {
  const auto until = machine::now() + limit;
  while (!done()) {
    if (machine::now() > until) return false;
    std::this_thread::sleep_for(500us);
  }
  return true;
}

inline workers::process_pool& pool_of(runtime& rt) {
  return rt.find_service<process_service>([](const auto&) { return true; })->pool();
}
/// All workers are there, none is dying.
inline bool becomes_whole(runtime& rt) {
  return eventually([&] {
    const auto s = pool_of(rt).status();
    return s.starting == 0 && s.unreclaimed == 0 && s.busy == 0 && s.queued == 0;
  });
}

inline int add(int a, int b) { return a + b; }
inline void spin_for_ever() {
  for (volatile unsigned n = 0;;) n = n + 1;
}
inline int adds_up(context& ctx) { return offload({}, add, 2, 3)(ctx); }

/// A limit of this process, or of another, for a while. The hard limit stays.
class limit_for_a_while {
 public:
  limit_for_a_while(__rlimit_resource what, rlim_t soft, pid_t of = 0) : what_(what), of_(of) {
    prlimit(of_, what_, nullptr, &before_);
    const rlimit now{soft, before_.rlim_max};
    EXPECT_EQ(prlimit(of_, what_, &now, nullptr), 0);
  }
  ~limit_for_a_while() { prlimit(of_, what_, &before_, nullptr); }
  limit_for_a_while(const limit_for_a_while&) = delete;
  limit_for_a_while& operator=(const limit_for_a_while&) = delete;

 private:
  __rlimit_resource what_;
  pid_t of_;
  rlimit before_{};
};

/// How an offloaded call ended, in a word: "value", "cancelled", or the name of the error's type.
template <class T>
std::string how(outcome<T> ended) {
  if (ended.has_value()) return "value";
  if (ended.is_cancelled()) return "cancelled";
  try {
    std::rethrow_exception(ended.error());
  } catch (const timed_out&) {
    return "timed_out";
  } catch (const remote_error& e) {
    return "remote_error " + e.type();
  } catch (const worker_crashed& e) {
    return "worker_crashed " + std::to_string(e.signal() != 0 ? e.signal() : e.exit_code());
  } catch (const zygote_lost&) {
    return "zygote_lost";
  } catch (const start_failed&) {
    return "start_failed";
  } catch (const error& e) {
    return e.what();
  } catch (const std::exception& e) {
    return std::string("foreign: ") + e.what();
  }
}

inline void mark_and_spin(const std::string& file) {
  leave_marker(file);
  spin_for_ever();
}

/// Each way in which work can end, once; complaints, or nothing. Work under way is stopped when `s` ends by an error.
inline std::string exercise(scope& s) {
  std::string wrong;
  const auto expect = [&](const std::string& got, const std::string& wanted) {
    if (got != wanted) wrong += "got " + got + " instead of " + wanted + "; ";
  };
  const auto end_of = [&](auto work) { return how(s.spawn({.background = true}, std::move(work)).result()); };
  expect(end_of(offload({}, add, 2, 3)), "value");
  expect(end_of(offload({}, [] { throw std::invalid_argument("no"); })), "remote_error std::invalid_argument");
  expect(end_of(offload({}, [] { raise(SIGSEGV); })), "worker_crashed " + std::to_string(SIGSEGV));
  expect(end_of(offload({}, [] { _exit(3); })), "worker_crashed 3");
  expect(end_of(offload({.timeout = 20ms}, spin_for_ever)), "timed_out");
  const marker_folder markers;
  auto endless = s.spawn({.background = true}, offload({}, mark_and_spin, markers.file("endless")));
  markers.await("endless", s);
  endless.cancel("enough");
  expect(how(endless.result()), "cancelled");
  expect(std::string(to_string(endless.receipt().stops.at(0).method)), "killed");
  expect(end_of(offload({}, [] { std::thread([] { pause(); }).detach(); })), "value");
  const std::string megabyte(1 << 20, 'x');
  expect(s.spawn(offload(
                     {}, [](std::string text) { return text; }, megabyte))
                     .get() == megabyte
             ? "whole"
             : "torn",
         "whole");
  expect(end_of(offload({}, add, 2, 3)), "value");
  return wrong;
}

/// The program of failing_host_main.cpp in one of its modes; `in_front`: a command that runs it, as in "unshare".
inline std::vector<std::string> failing_host(std::string mode, std::string folder = {},
                                             std::vector<std::string> in_front = {}) {
  in_front.emplace_back(WORKIT_FAILING_HOST);
  in_front.push_back(std::move(mode));
  if (!folder.empty()) in_front.push_back(std::move(folder));
  return in_front;
}

/// Nothing of a test is left: no thread, descriptor or process.
class failures_test : public runtime_test {
 protected:
  void TearDown() override {
    for (const auto& p : processes_below()) ADD_FAILURE() << "process " << p.pid << ", " << p.name << ", is left";
    runtime_test::TearDown();
  }
  marker_folder markers;
};

}  // namespace workit::test
