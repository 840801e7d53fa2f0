// The groups of interposed calls, each in a file of its own.
#pragma once

namespace workit::preempt {

/// Look up the functions behind them. Idempotent.
void resolve_allocator() noexcept;
void resolve_locks() noexcept;
void resolve_exceptions() noexcept;
void resolve_signals() noexcept;

}  // namespace workit::preempt
