// The task by which a host finds out, once, which proof of a worker's stop works on this machine.
#pragma once

#include <workit/workers/detail/control_block.hpp>
#include <workit/workers/detail/wire_stream.hpp>

namespace workit::workers {

/// The task of the self-test: counts in the `beat` of its worker's block for ever.
void spin_on_beat(wire_reader& arguments, wire_writer& result);

/// Sets the block in which spin_on_beat() counts. Threads: the worker's only one, before its first task.
void set_self_test_block(control_block& own) noexcept;

}  // namespace workit::workers
