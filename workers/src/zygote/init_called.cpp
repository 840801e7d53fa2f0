// init_called: see the header.
#include "init_called.hpp"

#include <atomic>
#include <workit/workers/init.hpp>

namespace workit::workers {
namespace {

std::atomic<bool> called{false};

}  // namespace

void note_init() noexcept { called.store(true, std::memory_order_release); }

bool init_was_called() noexcept { return called.load(std::memory_order_acquire); }

}  // namespace workit::workers
