// task_frame: see the header. The list of cleanups is changed by a task only where it cannot be left.
#include "task_frame.hpp"

#include <unistd.h>

#include <workit/base/assert.hpp>
#include <workit/base/cancelled.hpp>
#include <workit/workers/detail/remote_call.hpp>

namespace workit {
namespace workers {
namespace {

thread_local constinit task_frame* current = nullptr;

}  // namespace

task_frame::task_frame(const std::atomic<std::uint32_t>& asked, std::uint32_t when, deadline_point until)
    : before_(current) {
  context_.asked_ = &asked;
  context_.when_ = when;
  context_.deadline_ = until;
  context_.frame_ = this;
  current = this;
}

task_frame::~task_frame() {
  finish();
  current = before_;
}

std::uint64_t task_frame::finish() noexcept {
  while (!cleanups_.empty()) {
    const auto last = std::move(cleanups_.back());
    cleanups_.pop_back();
    try {
      last();
    } catch (...) {  // NOLINT(bugprone-empty-catch): worker_context::defer says that it is lost
    }
  }
  const auto bytes = arena_ ? arena_->bytes() : 0;
  arena_.reset();
  return bytes;
}

void task_frame::defer(std::function<void()> cleanup) {
  const no_preempt_scope whole;
  cleanups_.push_back(std::move(cleanup));
}

std::pmr::memory_resource& task_frame::memory() noexcept {
  const no_preempt_scope whole;
  if (!arena_) arena_.emplace();
  return *arena_;
}

worker_context& this_worker_context() {
  WORKIT_ASSERT(current != nullptr,
                "a function with a worker_context& was called outside of a worker boundary: pass it to offload()");
  return current->context();
}

}  // namespace workers

void worker_context::leave() const { detail::cancel_thrower::leave(reason::user{}); }

void worker_context::defer(std::function<void()> cleanup) { frame_->defer(std::move(cleanup)); }

int worker_context::own(int descriptor) {
  try {
    frame_->defer([descriptor] { ::close(descriptor); });
  } catch (...) {
    ::close(descriptor);
    throw;
  }
  return descriptor;
}

std::pmr::memory_resource& worker_context::memory() noexcept { return frame_->memory(); }

}  // namespace workit
