// thread_pool and its core: the queue, the threads, the end. thread_pool_run.cpp has the run of a task.
#include "thread_pool_core.hpp"

#include <algorithm>
#include <cstdio>
#include <new>
#include <utility>
#include <workit/base/default_concurrency.hpp>
#include <workit/base/detail/exit_from_work.hpp>
#include <workit/base/detail/process_scheduling.hpp>
#include <workit/base/errors.hpp>
#include <workit/base/quiet_thread.hpp>
#include <workit/preempt/thread_mark.hpp>

namespace workit::workers {
namespace {

constexpr std::size_t most_threads = 1024;
/// How long the end of a pool waits for refused tasks.
constexpr std::chrono::seconds last_wait{1};
/// After a task of at most this a thread spins for the next one for a moment before it sleeps.
constexpr duration short_task = std::chrono::milliseconds(1);

/// The first touch of its stack's pages, its share of the heap and its first run are slow. A thread does them before
/// its first task, which is a waiting one where a thread was retired: that saves 10 of 70 us.
void rehearse(void*) noexcept {
  constexpr std::size_t touched = std::size_t{16} << 10;
  [[maybe_unused]] volatile char frames[touched];
  for (std::size_t at = 0; at < touched; at += 512) frames[at] = 0;
  ::operator delete(::operator new(64, std::nothrow));
}

[[noreturn]] void fail(const thread_options& o, const std::string& why) {
  throw start_failed("pool \"" + o.name + "\": " + why);
}

thread_options checked(thread_options o) {
  if (o.name.empty() || o.name.size() > 64)
    throw start_failed("thread_options.name has " + std::to_string(o.name.size()) + " characters; it has 1 to 64");
  if (o.threads == 0) o.threads = default_concurrency();
  if (o.threads > most_threads)
    fail(o, "thread_options.threads is " + std::to_string(o.threads) + "; it may be 0 to 1024");
  if (o.spares > most_threads)
    fail(o, "thread_options.spares is " + std::to_string(o.spares) + "; it may be 0 to 1024");
  if (o.stop_timeout < duration::zero()) fail(o, "thread_options.stop_timeout is less than zero");
  constexpr std::size_t least_stack = std::size_t{64} << 10;
  if (o.stack_size < least_stack)
    fail(o, "thread_options.stack_size is " + std::to_string(o.stack_size) + "; it has to be 64 KiB at least");
  return o;
}

thread_local const thread_pool_core* pool_of_this_thread = nullptr;  // that it serves

}  // namespace

thread_pool_core::thread_pool_core(thread_options options, preempt::warden& warden)
    : options_(checked(std::move(options))), warden_(warden) {}

void thread_pool_core::start() {
  if (const auto& why = preempt::why_unsupported(); !why.empty()) fail(options_, why);
  for (const auto& m : options_.preemptible_modules) preempt::allow_module(m);
  try {
    ladder_ = std::make_unique<preempt::stop_ladder>(warden_);
    int retries = -1;
    {
      const thread_lock guard(mutex_);
      shortage_.open();
      retries = shortage_.descriptor();
      stopping_ = false;
    }
    warden_.watch(retries, [this] { try_again(); });
    while (add_thread()) {
    }
  } catch (const std::system_error& e) {
    stop();
    fail(options_, std::string("a thread could not be started: ") + e.what());
  }
  wait_for_threads();
}

void thread_pool_core::wait_for_threads() {
  std::string why;
  {
    thread_lock guard(mutex_);
    one_made_.wait(guard.native(), [&] {
      mutex_.assert_held();
      return making_ == 0 || shortage_.exists();
    });
    why = shortage_.why();
  }
  if (why.empty()) return;
  stop();
  fail(options_, why);
}

void thread_pool_core::made() {
  const thread_lock guard(mutex_);
  --making_;
  shortage_.worked();
  one_made_.notify_all();
}

void thread_pool_core::could_not(const std::string& why) noexcept {
  const auto now = std::chrono::steady_clock::now();
  bool answers = false;
  {
    const thread_lock guard(mutex_);
    ++counts_.start_failures;
    shortage_.failed("a thread could not be started: " + why, now);
    answers = shortage_.is_long(now) && threads_.size() == leaving_ + making_ + refused_.size();
    one_made_.notify_all();
  }
  if (answers) answer_waiting({"pool \"" + options_.name + "\" has no thread: " + why});
}

void thread_pool_core::replace_thread() noexcept {
  try {
    add_thread();
  } catch (const std::system_error& e) {
    could_not(e.what());
  }
}

void thread_pool_core::try_again() {
  {
    const thread_lock guard(mutex_);
    shortage_.take_fired();
    shortage_.next_round();
  }
  try {
    while (add_thread()) {
    }
  } catch (const std::system_error& e) {
    could_not(e.what());
  }
}

// Errors: std::system_error.
bool thread_pool_core::add_thread() {
  join_ended();
  const thread_lock guard(mutex_);
  if (stopping_ || threads_.size() - leaving_ - refused_.size() >= options_.threads + options_.spares) return false;
  const auto me = threads_.emplace(threads_.end());
  try {
    *me = start_quiet_thread("workit-task", [this, me] { serve(me); });
  } catch (...) {
    threads_.erase(me);
    throw;
  }
  ++making_;
  return true;
}

void thread_pool_core::serve(std::list<std::thread>::iterator me) {
  pool_of_this_thread = this;
  const auto leave = [this, me] {
    const thread_lock guard(mutex_);
    --leaving_;
    ended_.splice(ended_.end(), threads_, me);
    one_ended_.notify_all();
  };
  std::optional<preempt::stoppable_thread> stoppable;
  try {
    stoppable.emplace(preempt::stoppable_options{.stack_size = options_.stack_size, .quarantine = options_.quarantine});
  } catch (const std::system_error& e) {
    {
      const thread_lock guard(mutex_);
      --making_;
      ++leaving_;
    }
    could_not(e.what());
    return leave();
  }
  // What the runtime itself keeps for each thread is no task's.
  { const workit::detail::runs_work registered; }
  preempt::this_mark.has_thread_locals = false;
  auto& here = *stoppable;
  here.run(preempt::next_task_number(), deadline_point{}, &rehearse, nullptr);
  made();
  auto then = fitness::fit;
  bool more_soon = false, refused = false;
  while (then == fitness::fit) {
    auto task = take(more_soon);
    if (task == nullptr) return leave();
    const auto began = std::chrono::steady_clock::now();
    then = run(here, task);
    refused = task->state_.load(std::memory_order_acquire) == job_state::refused;
    more_soon = task->cell->record() == nullptr && std::chrono::steady_clock::now() - began < short_task;
  }
  // After a refusal refuse() has replaced it; besides, a thread that this one starts would inherit its niceness.
  if (!refused) {
    leave_the_processor();
    replace_thread();
  }
  if (then == fitness::spoilt) here.end_thread(leave);
  leave();
}

// A thread's start and end are slow; a thread that is woken meanwhile waits for them where the kernel preempts lazily.
void thread_pool_core::leave_the_processor() {
  {
    const thread_lock guard(mutex_);
    if (parked_ == 0 || stopping_) return;  // the next task waits for the new thread
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

std::shared_ptr<thread_job> thread_pool_core::take(bool more_soon) {
  thread_lock guard(mutex_);
  ++parked_;
  for (;;) {
    if (busy_ < options_.threads) {
      for (auto& waiting : queue_) {
        if (waiting.empty()) continue;
        auto task = std::move(waiting.front());
        waiting.pop_front();
        --parked_;
        ++busy_;
        return task;
      }
    }
    if (stopping_) {
      --parked_;
      ++leaving_;
      return nullptr;
    }
    if (std::exchange(more_soon, false)) {
      const auto seen = submissions_.load(std::memory_order_relaxed);
      guard.unlock();
      look_for_work(seen);
      guard.lock();
      continue;
    }
    work_.wait(guard.native());
  }
}

// Waking a thread that sleeps takes 50 us on a virtual machine, about what is spent here.
void thread_pool_core::look_for_work(std::uint64_t seen) const noexcept {
  if (!workit::detail::spinning_pays()) return;
  const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(50);
  while (submissions_.load(std::memory_order_relaxed) == seen && std::chrono::steady_clock::now() < until)
    __builtin_ia32_pause();
}

void thread_pool_core::submit(std::shared_ptr<thread_job> task) {
  task->submitted_ = std::chrono::steady_clock::now();
  task->pool_ = shared_from_this();
  task->state_.store(job_state::queued, std::memory_order_release);
  warden_.enlist(task);
  std::optional<job_not_started> refused;
  running_on stuck;
  {
    const thread_lock guard(mutex_);
    if (task->state_.load(std::memory_order_acquire) != job_state::queued) return;  // stopped already
    if (stopping_)
      refused = {"pool \"" + options_.name + "\" was stopped", workers::refusal::stopped};
    else if (options_.when_full == when_full::refuse && queued() >= options_.queue_limit)
      refused = {"pool \"" + options_.name + "\" is full", workers::refusal::queue_full, options_.queue_limit};
    else
      queue_[static_cast<std::size_t>(task->terms.priority)].push_back(task);
    submissions_.fetch_add(1, std::memory_order_relaxed);
    stuck = refused_now();
  }
  if (!refused) {
    work_.notify_one();
    return make_way(stuck);
  }
  if (task->decide(job_state::queued, job_state::ended)) settle(*task, std::move(*refused));
}

std::size_t thread_pool_core::queued() const noexcept { return queue_[0].size() + queue_[1].size() + queue_[2].size(); }

thread_pool_status thread_pool_core::status() const {
  const thread_lock guard(mutex_);
  auto now = counts_;
  now.busy = busy_;
  now.parked = parked_;
  now.queued = queued();
  now.trouble = shortage_.why();
  for (const auto& r : refused_) {
    now.refused.push_back(r.what);
    now.refused.back().runs_on = std::chrono::steady_clock::now() - r.since;
  }
  return now;
}

std::vector<std::string> sentences_of(const std::string& pool, const thread_pool_status& status) {
  std::vector<std::string> all;
  for (const auto& r : status.refused)
    all.push_back("task \"" + r.name + "\" of pool \"" + pool + "\" runs on, on thread " + std::to_string(r.thread) +
                  ": its stop was refused for " + describe(r.why));
  return all;
}

void thread_pool_core::tell_what_runs_on() const noexcept try {
  for (const auto& sentence : sentences_of(options_.name, status()))
    std::fprintf(stderr,
                 "workit: %s. The end of the process may wait for it for ever: let main return "
                 "workit::leave(rt.shutdown(), code)\n",
                 sentence.c_str());
} catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): there is no memory for a sentence
}

void thread_pool_core::answer_waiting(const job_not_started& why) noexcept {
  std::vector<std::shared_ptr<thread_job>> waiting;
  {
    const thread_lock guard(mutex_);
    for (auto& tasks : queue_) {
      waiting.insert(waiting.end(), tasks.begin(), tasks.end());
      tasks.clear();
    }
  }
  for (const auto& task : waiting)
    if (task->decide(job_state::queued, job_state::ended)) settle(*task, why);
}

void thread_pool_core::stop() noexcept {
  int retries = -1;
  {
    const thread_lock guard(mutex_);
    stopping_ = true;
    retries = shortage_.descriptor();
  }
  if (retries >= 0) {
    warden_.unwatch(retries);
    const thread_lock guard(mutex_);
    shortage_.close();
  }
  work_.notify_all();
  answer_waiting({"pool \"" + options_.name + "\" was stopped", workers::refusal::stopped});
  {
    thread_lock guard(mutex_);
    // A task that ran on may have had the last handle of its pool: then this thread waits for the others only.
    const std::size_t own = pool_of_this_thread == this ? 1 : 0;
    one_ended_.wait(guard.native(), [&] {
      mutex_.assert_held();
      return threads_.size() <= refused_.size() + own;
    });
    one_ended_.wait_for(guard.native(), last_wait, [&] {
      mutex_.assert_held();
      return threads_.size() <= own;
    });
    // Threads that still run end with the process, and need this object until then.
    if (!threads_.empty()) immortal_ = shared_from_this();
    for (auto& t : threads_)
      if (t.joinable()) t.detach();  // an earlier call may have done that
  }
  tell_what_runs_on();
  ladder_.reset();
  join_ended();
}

void thread_pool_core::join_ended() {
  std::list<std::thread> gone;
  {
    const thread_lock guard(mutex_);
    gone.swap(ended_);
  }
  for (auto& t : gone)
    if (t.joinable()) t.join();
}

thread_pool::thread_pool(thread_options options, preempt::warden& warden)
    : core_(std::make_shared<thread_pool_core>(std::move(options), warden)) {}
thread_pool::~thread_pool() { stop(); }
void thread_pool::start() { core_->start(); }
void thread_pool::submit(std::shared_ptr<thread_job> task) { core_->submit(std::move(task)); }
const std::string& thread_pool::name() const noexcept { return core_->name(); }
thread_pool_status thread_pool::status() const { return core_->status(); }
void thread_pool::stop() noexcept { core_->stop(); }

}  // namespace workit::workers
