// Functions that run behind boundaries: in worker processes, on preemptible threads, in oneTBB's arena.
#pragma once

#include <cstdint>
#include <vector>
#include <workit/workit.hpp>

namespace workit::chaos::guests {

/// A number that only this computation gives; `rounds` is how long it takes, about 2 ns each.
std::uint64_t mix(std::uint64_t x, std::uint64_t rounds);
/// As many numbers as `count`, from `first` on.
std::vector<std::uint32_t> numbers(std::uint32_t first, std::uint32_t count);
std::uint64_t sum(const std::vector<std::uint32_t>& of);
std::uint64_t sum_of_buffer(const shared_buffer& of);
/// Never returns.
int spin();
/// Allocates and frees for ever.
int churn();
int fail(int number);
/// Ends its worker: by a signal, by exit, or by an exception that meets noexcept.
int crash(int how);
int take_memory(std::uint64_t bytes);
/// Sends `count` numbers from `first` on.
int stream(worker_sender<std::uint64_t> to, std::uint64_t first, std::uint64_t count);
/// Sums in tasks of a scope in the worker.
std::uint64_t nested(context& ctx, std::uint64_t tasks);
/// Leaves a thread, a child or descriptors behind.
int leave(int what);
/// Stops by itself when it is asked to.
int polite(worker_context& ctx);

}  // namespace workit::chaos::guests
