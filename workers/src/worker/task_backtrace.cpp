// task_backtrace: a walk by the unwinder (Itanium C++ ABI, exception handling, 1.3).
#include "task_backtrace.hpp"

#include <unwind.h>

#include <cstdint>
#include <workit/workers/detail/task_entry.hpp>

namespace workit::workers {
namespace {

struct walk {
  task_frames& to;
  int skip;
  const std::uintptr_t end;
};

/// The stack pointer of a frame is the end of the frame that it has called: only now is it known whether the last frame
/// was the task's.
_Unwind_Reason_Code visit(_Unwind_Context* frame, void* self) {
  auto& w = *static_cast<walk*>(self);
  if (w.end != 0 && _Unwind_GetCFA(frame) > w.end) {
    if (w.to.count > 0) --w.to.count;
    return _URC_NORMAL_STOP;
  }
  if (w.to.count > most_frames) return _URC_NORMAL_STOP;
  if (w.skip-- > 0) return _URC_NO_REASON;
  int running = 0;  // interrupted by a signal, and not in a call
  const auto at = _Unwind_GetIPInfo(frame, &running);
  if (at == 0) return _URC_NORMAL_STOP;
  w.to.at[w.to.count++] = reinterpret_cast<void*>(running != 0 ? at : at - 1);
  return _URC_NO_REASON;
}

}  // namespace

[[gnu::noinline]] void take_backtrace(task_frames& to, int skip) noexcept {
  to.count = 0;
  walk w{to, skip + 1, reinterpret_cast<std::uintptr_t>(task_entry::current())};
  _Unwind_Backtrace(visit, &w);
  to.more = to.count > most_frames;
  if (to.more) to.count = most_frames;
}

}  // namespace workit::workers
