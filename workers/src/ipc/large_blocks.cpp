// large blocks: a short list under one lock.
//
// Invariants
// 1. A block in `kept` is no frame's. The sum of their sizes is `bytes`, at most large_blocks_kept.
// 2. Without holders nothing is kept: the list has no room then.
// Lock order: the mutex is a leaf; the kernel is asked outside of it.
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <vector>
#include <workit/base/thread_mutex.hpp>
#include <workit/workers/detail/large_block.hpp>

namespace workit::workers {
namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;

struct kept_block {
  large_block block;
  time_point since;
};

struct keeper {
  thread_mutex mutex;
  std::vector<kept_block> kept WORKIT_GUARDED_BY(mutex);
  std::size_t bytes WORKIT_GUARDED_BY(mutex) = 0;
  std::size_t holders WORKIT_GUARDED_BY(mutex) = 0;
};

/// Never destroyed: frames may go during exit().
keeper& here() {
  static auto& one = *new keeper;
  return one;
}

/// Where it is large enough for that, of huge pages, if the operator lets programs ask for them.
large_block map(std::size_t size) {
  const auto page = size >= 2 * huge_page ? huge_page : std::size_t{4096};
  const auto rounded = (size + page - 1) / page * page;
  void* const at = ::mmap(nullptr, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  if (page == huge_page) ::madvise(at, rounded, MADV_HUGEPAGE);
  return {static_cast<std::byte*>(at), rounded};
}

void unmap(large_block block) noexcept { ::munmap(block.data, block.size); }

}  // namespace

large_block take_large_block(std::size_t size) {
  if (size > PTRDIFF_MAX) throw std::bad_alloc();
  {
    const thread_lock lock(here().mutex);
    auto& kept = here().kept;
    auto best = kept.end();
    for (auto at = kept.begin(); at != kept.end(); ++at)
      if (at->block.size >= size && at->block.size / 2 <= size &&
          (best == kept.end() || at->block.size < best->block.size))
        best = at;
    if (best != kept.end()) {
      const auto found = best->block;
      here().bytes -= found.size;
      kept.erase(best);
      return found;
    }
  }
  return map(size);
}

void give_back_large_block(large_block block) noexcept {
  {
    auto& k = here();
    const thread_lock lock(k.mutex);
    if (k.bytes + block.size <= large_blocks_kept && k.kept.size() < k.kept.capacity()) {
      k.kept.push_back({block, std::chrono::steady_clock::now()});
      k.bytes += block.size;
      return;
    }
  }
  unmap(block);
}

keeps_large_blocks::keeps_large_blocks() noexcept {
  constexpr std::size_t most_blocks = 64;
  const thread_lock lock(here().mutex);
  try {
    here().kept.reserve(most_blocks);
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): then none is kept
  }
  ++here().holders;
}

keeps_large_blocks::~keeps_large_blocks() {
  std::vector<kept_block> gone;
  {
    const thread_lock lock(here().mutex);
    if (--here().holders != 0) return;
    gone.swap(here().kept);
    here().bytes = 0;
  }
  for (const auto& each : gone) unmap(each.block);
}

kept_blocks give_back_large_blocks(time_point then) noexcept {
  constexpr std::size_t slice = std::size_t{1} << 20;
  large_block part;
  auto left = kept_blocks::none;
  {
    auto& k = here();
    const thread_lock lock(k.mutex);
    const auto is_old = [&](const kept_block& each) { return each.since <= then; };
    const auto at = std::ranges::find_if(k.kept, is_old);
    if (at != k.kept.end()) {
      part.size = std::min(slice, at->block.size);
      at->block.size -= part.size;
      part.data = at->block.data + at->block.size;
      k.bytes -= part.size;
      if (at->block.size == 0) k.kept.erase(at);
    }
    if (!k.kept.empty()) left = std::ranges::any_of(k.kept, is_old) ? kept_blocks::old : kept_blocks::young;
  }
  if (part.size != 0) unmap(part);
  return left;
}

}  // namespace workit::workers
