// death_listener: see the header for what it promises.
//
// Invariants
// 1. A word in `watches` was held when it came in; its owner has set FUTEX_WAITERS in it (life_mutex::hold()).
// 2. Every change of `watches` increments `control` under the mutex before the listener is woken: a futex_waitv over an
//    outdated list returns at once (EAGAIN) or is woken.
// 3. The listener reads only words in `watches`, under the mutex. The kernel may still read a word that has just been
//    unwatched and unmapped; its call then ends with EFAULT, and the listener starts over.
// 4. `running` is the watch whose callback runs, outside the mutex; only the listener's thread sets it.
// Lock order: one mutex, held across no call that blocks and no callback.
#include <workit/preempt/death_listener.hpp>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <string>
#include <thread>
#include <vector>
#include <workit/base/assert.hpp>
#include <workit/base/quiet_thread.hpp>
#include <workit/base/thread_mutex.hpp>

#include "owner_word.hpp"

namespace workit::preempt {
namespace {

struct watched {
  const std::uint32_t* word;
  const void* watcher;
  std::function<void()> died;
};

futex_waitv slot_for(const std::uint32_t* word, std::uint32_t expected) noexcept {
  futex_waitv slot{};
  slot.val = expected;
  slot.uaddr = reinterpret_cast<std::uintptr_t>(word);
  slot.flags = FUTEX_32;
  return slot;
}

}  // namespace

struct death_listener::state {
  thread_mutex mutex;
  std::condition_variable call_ended;
  std::vector<std::shared_ptr<watched>> watches WORKIT_GUARDED_BY(mutex);
  std::shared_ptr<watched> running WORKIT_GUARDED_BY(mutex);
  bool ending WORKIT_GUARDED_BY(mutex) = false;
  std::uint32_t control = 0;
  std::thread thread;

  void run();
  std::shared_ptr<watched> next_death(std::array<futex_waitv, capacity + 1>& slots, unsigned& used);
  void call(const std::shared_ptr<watched>& dead);
  void changed() noexcept WORKIT_REQUIRES(mutex) {
    __atomic_fetch_add(&control, 1, __ATOMIC_RELEASE);
    ::syscall(SYS_futex, &control, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }
};

bool death_listener::supported() noexcept {
  // No words at all: EINVAL where the call exists, ENOSYS or EPERM where it does not.
  return ::syscall(SYS_futex_waitv, nullptr, 0, 0, nullptr, 0) < 0 && errno == EINVAL;
}

death_listener::death_listener() : state_(std::make_unique<state>()) { state_->watches.reserve(capacity); }

death_listener::~death_listener() {
  {
    const thread_lock lock(state_->mutex);
    state_->ending = true;
    state_->changed();
  }
  if (state_->thread.joinable()) state_->thread.join();
}

bool death_listener::watch(const std::uint32_t* word, std::function<void()> died, const void* watcher) {
  static const bool kernel_can = supported();
  if (!kernel_can) return false;
  auto entry = std::make_shared<watched>(watched{word, watcher, std::move(died)});
  const thread_lock lock(state_->mutex);
  WORKIT_ASSERT(std::none_of(state_->watches.begin(), state_->watches.end(),
                             [&](const auto& w) { return w->word == word && w->watcher == watcher; }),
                "a life mutex is watched twice by the same watcher: unwatch it first, or give another `watcher`");
  if (state_->watches.size() == capacity || read_owner(word).owner == owner_reading::state::gone) return false;
  if (!state_->thread.joinable())
    state_->thread = start_quiet_thread("workit-deaths", [s = state_.get()] { s->run(); });
  state_->watches.push_back(std::move(entry));
  state_->changed();
  return true;
}

void death_listener::unwatch(const std::uint32_t* word, const void* watcher) noexcept {
  const auto is_meant = [&](const auto& w) { return w->word == word && w->watcher == watcher; };
  std::shared_ptr<watched> dropped;  // its callback is destroyed outside the lock
  thread_lock lock(state_->mutex);
  const auto found = std::find_if(state_->watches.begin(), state_->watches.end(), is_meant);
  if (found != state_->watches.end()) {
    dropped = std::move(*found);
    state_->watches.erase(found);
    state_->changed();
  }
  if (state_->thread.get_id() == std::this_thread::get_id()) return;
  while (state_->running != nullptr && is_meant(state_->running)) state_->call_ended.wait(lock.native());
}

void death_listener::state::run() {
  std::array<futex_waitv, capacity + 1> slots;
  for (;;) {
    unsigned used = 0;
    if (const auto dead = next_death(slots, used)) {
      call(dead);
      continue;
    }
    if (used == 0) return;
    const long woken = ::syscall(SYS_futex_waitv, slots.data(), used, 0, nullptr, 0);
    WORKIT_ASSERT(woken >= 0 || errno == EAGAIN || errno == EINTR || errno == EFAULT,
                  std::string("the death listener cannot wait: futex_waitv: ") + std::strerror(errno));
  }
}

// Takes out and returns the next watch whose owner has died. Else returns null, and fills `slots` with the words to
// wait for; `used` stays 0 when the listener is to end.
std::shared_ptr<watched> death_listener::state::next_death(std::array<futex_waitv, capacity + 1>& slots,
                                                           unsigned& used) {
  std::vector<std::shared_ptr<watched>> let_go;  // destroyed outside the lock
  const thread_lock lock(mutex);
  if (ending) return nullptr;
  slots[used++] = slot_for(&control, __atomic_load_n(&control, __ATOMIC_ACQUIRE));
  for (std::size_t i = 0; i < watches.size();) {
    const auto now = read_owner(watches[i]->word);
    if (now.owner == owner_reading::state::holds) {
      slots[used++] = slot_for(watches[i++]->word, now.value);
      continue;
    }
    auto ended = std::move(watches[i]);
    watches.erase(watches.begin() + static_cast<std::ptrdiff_t>(i));
    tell_others(ended->word);
    if (now.owner == owner_reading::state::died) return running = std::move(ended);
    let_go.push_back(std::move(ended));
  }
  return nullptr;
}

void death_listener::state::call(const std::shared_ptr<watched>& dead) {
  dead->died();
  dead->died = nullptr;  // destroys its captures before unwatch() may return
  {
    const thread_lock lock(mutex);
    running = nullptr;
  }
  call_ended.notify_all();
}

}  // namespace workit::preempt
