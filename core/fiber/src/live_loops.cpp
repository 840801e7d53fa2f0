// live_loops: one list under one lock, a leaf.
#include "live_loops.hpp"

#include <algorithm>
#include <workit/base/thread_mutex.hpp>
#include <workit/fiber/detail/loop.hpp>

namespace workit::detail {
namespace {

struct list {
  thread_mutex mutex;
  std::vector<std::shared_ptr<loop>> loops WORKIT_GUARDED_BY(mutex);
};

list& the_list() {
  static auto* const one = new list;  // never destroyed: a static runtime may end after any destructor of ours
  return *one;
}

}  // namespace

void live_loops::add(const std::shared_ptr<loop>& one) {
  auto& l = the_list();
  const thread_lock lock(l.mutex);
  l.loops.push_back(one);
}

void live_loops::remove(const loop& one) noexcept {
  auto& l = the_list();
  const thread_lock lock(l.mutex);
  std::erase_if(l.loops, [&](const auto& each) { return each.get() == &one; });
}

std::vector<std::shared_ptr<loop>> live_loops::all() {
  auto& l = the_list();
  const thread_lock lock(l.mutex);
  return l.loops;
}

}  // namespace workit::detail
