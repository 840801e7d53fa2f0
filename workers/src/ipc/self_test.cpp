// self_test: see the header.
#include "self_test.hpp"

namespace workit::workers {
namespace {

control_block* own_block = nullptr;

}  // namespace

void set_self_test_block(control_block& own) noexcept { own_block = &own; }

void spin_on_beat(wire_reader&, wire_writer&) {
  for (;;) own_block->beat.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace workit::workers
