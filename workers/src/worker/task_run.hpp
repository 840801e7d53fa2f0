// One run of a task in a worker: from the arguments in the payload to the result in their place.
#pragma once

#include <cstdint>
#include <string>
#include <workit/workers/detail/remote_call.hpp>

#include "payload.hpp"
#include "task_limits.hpp"

namespace workit::workers {

/// Threads: the worker's one. Lifetime: the arguments are the worker's.
class task_run {
 public:
  /// `task_channel`: the socket on which shared buffers go to and fro.
  task_run(payload& content, task_limits& limits, int task_channel) noexcept
      : content_(content), limits_(limits), task_channel_(task_channel) {}

  /// Calls the task of the request, and leaves what came of it in the payload and the result fields.
  void call(const control_block::request_fields& request, std::uint32_t generation);

  /// The result is that the task did not begin, for this reason.
  void refuse(std::string sentence);

 private:
  [[nodiscard]] control_block& control() const noexcept { return content_.control(); }
  void set_result(result_kind kind, std::size_t size) noexcept;
  void set_exceeded(resource what) noexcept;
  [[nodiscard]] attachments receive_blocks(std::uint32_t generation, std::uint32_t count);
  void send_result_blocks(std::uint32_t generation, const attachments& blocks);
  result_kind write_exception(wire_writer& frame);

  payload& content_;
  task_limits& limits_;
  const int task_channel_;
};

}  // namespace workit::workers
