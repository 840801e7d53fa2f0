// live_allocations() for programs whose allocator has to be the system's.
#include <support/allocation_balance.hpp>

namespace workit::test {
std::ptrdiff_t live_allocations() noexcept { return 0; }
}  // namespace workit::test
