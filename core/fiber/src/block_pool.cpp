// Memory for tasks. The heap of glibc keeps seven blocks of a size at hand for each thread: with a thousand tasks
// alive, a block from it and back was 22 of the 274 ns of a spawn and join.
#include <workit/fiber/detail/block_pool.hpp>

#include <new>
#include <utility>
#include <workit/fiber/detail/loop.hpp>

#include "sanitizer_switch.hpp"

namespace workit::detail {
namespace {

#if defined(WORKIT_ADDRESS_SANITIZER) || defined(WORKIT_THREAD_SANITIZER)
constexpr bool uses_again = false;  // they find a use of a freed task only if its memory is freed as well
#else
constexpr bool uses_again = true;
#endif

// Rounded up to one of the heap's sizes, a block costs what it would cost there.
constexpr std::size_t heap_extra = 8, step = block_pool::step;
constexpr std::size_t place_of(std::size_t bytes) noexcept { return (bytes + step - heap_extra - 1) / step; }
constexpr std::size_t size_at(std::size_t place) noexcept { return place * step + heap_extra; }

/// Rounded up here, too: it may be given back to a pool.
void* from_heap(std::size_t bytes) {
  return ::operator new(bytes > block_pool::largest_block ? bytes : size_at(place_of(bytes)));
}

}  // namespace

block_pool::~block_pool() {
  for (auto* block : free_)
    while (block != nullptr) ::operator delete(std::exchange(block, block->next));
}

void* block_pool::take(std::size_t bytes) {
  if (bytes > largest_block) return from_heap(bytes);
  const auto place = place_of(bytes);
  auto*& first = free_[place];
  if (first == nullptr) return from_heap(bytes);
  kept_ -= size_at(place);
  return std::exchange(first, first->next);
}

void block_pool::give_back(void* block, std::size_t bytes) noexcept {
  const auto place = place_of(bytes);
  if (!uses_again || bytes > largest_block || kept_ + size_at(place) > most_bytes) return ::operator delete(block);
  kept_ += size_at(place);
  free_[place] = new (block) free_block{free_[place]};
}

void* take_block(std::size_t bytes) {
  auto* const here = loop::current();
  return here != nullptr ? here->blocks().take(bytes) : from_heap(bytes);
}

void give_block(void* block, std::size_t bytes) noexcept {
  if (auto* const here = loop::current())
    here->blocks().give_back(block, bytes);
  else
    ::operator delete(block);
}

}  // namespace workit::detail
