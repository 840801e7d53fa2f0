// What comes from outside a program: processes that are killed or stopped, and descriptors that run out.
#pragma once

#include <atomic>
#include <cstdint>

#include "books.hpp"

namespace workit::chaos {

/// Makes trouble until `over`, every few milliseconds: kills or stops a process below this one, a zygote now and then,
/// or takes the descriptors away for a moment. Blocks: the thread, until then.
void make_trouble(std::uint64_t seed, const std::atomic<bool>& over, books& own);

}  // namespace workit::chaos
