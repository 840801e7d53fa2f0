// Kicks a victim on a thread of its own and times its stop and the next task.
#include "kicks.hpp"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <workit/preempt/stoppable_thread.hpp>

#include "stopwatch.hpp"
#include "victims.hpp"

namespace workit::bench {
namespace {

using namespace std::chrono_literals;
using instant = stopwatch::clock::time_point;

/// A thread that runs the victim until it is stopped, and then a task that says when it began.
class kicked_thread {
 public:
  explicit kicked_thread(victim what) : what_(what), thread_([this] { serve(); }) {
    while (on_ == nullptr) {
    }
  }
  ~kicked_thread() {
    over_ = true;
    ++asked_;
    thread_.join();
  }
  kicked_thread(const kicked_thread&) = delete;
  kicked_thread& operator=(const kicked_thread&) = delete;

  void stop_once(random_pause& pause, kick_samples& all) {
    number_ = preempt::next_task_number();
    running_ = false;
    const int mine = ++asked_;
    while (!running_) {
    }
    pause();
    const auto kicked = stopwatch::clock::now();
    auto again = kicked;
    for (auto interval = 60us; done_ != mine;) {
      if (stopwatch::clock::now() < again) continue;
      on_.load()->kick(number_);
      again = stopwatch::clock::now() + interval;
      interval = std::min<std::chrono::microseconds>(interval * 2, 2000us);
    }
    all.stopped.push_back(us(end_.stopped - kicked));
    all.next.push_back(us(next_ - end_.stopped));
  }

 private:
  void serve() {
    preempt::stoppable_thread here;
    on_ = &here;
    for (int round = 1;; ++round) {
      while (asked_ != round) {
      }
      if (over_) return;
      const auto begin = [](void* to) {
        auto& me = *static_cast<kicked_thread*>(to);
        me.what_.run([&me] { me.running_ = true; }, *me.page_.operator->());
      };
      end_ = here.run(number_, {}, begin, this);
      const auto follow = [](void* to) { static_cast<kicked_thread*>(to)->next_ = stopwatch::clock::now(); };
      here.run(preempt::next_task_number(), {}, follow, this);
      done_ = round;
    }
  }

  const victim what_;
  const page_owner page_;
  std::atomic<preempt::stoppable_thread*> on_{nullptr};
  std::atomic<bool> running_{false}, over_{false};
  std::atomic<int> asked_{0}, done_{0};
  std::uint64_t number_ = 0;
  preempt::run_end end_{};
  instant next_{};
  std::thread thread_;
};

}  // namespace

kick_samples kicks(std::string_view victim, int n) {
  if (const auto& why = preempt::why_unsupported(); !why.empty()) throw std::runtime_error(why);
  kicked_thread thread(find_victim(victim));
  random_pause pause;
  kick_samples all;
  for (int i = 0; i < n; ++i) thread.stop_once(pause, all);
  return all;
}

}  // namespace workit::bench
