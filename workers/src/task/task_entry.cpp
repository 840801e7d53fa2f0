// task_entry: see the header.
#include <workit/workers/detail/task_entry.hpp>

#include <utility>

namespace workit::workers {
namespace {

thread_local const void* innermost = nullptr;

}  // namespace

task_entry::task_entry(const void* frame) noexcept : outer_(std::exchange(innermost, frame)) {}
task_entry::~task_entry() { innermost = outer_; }

const void* task_entry::current() noexcept { return innermost; }

}  // namespace workit::workers
