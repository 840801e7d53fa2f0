// task_run: each way in which a task can end is one result_kind.
#include "task_run.hpp"

#include <poll.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>
#include <workit/base/cancelled.hpp>
#include <workit/base/detail/cut_text.hpp>
#include <workit/base/errors.hpp>

#include "end_of_forked_children.hpp"
#include "exception_info.hpp"
#include "task_channel.hpp"
#include "task_frame.hpp"
#include "throw_trace.hpp"

namespace workit::workers {
namespace {

// The words of an exception fit into a payload that has never grown, so that they arrive when nothing else does.
constexpr std::size_t longest_text = first_payload / 4;
constexpr std::size_t room_for_causes = first_payload / 4 - 1024;  // and the sizes of all

/// Whether the task's scope ended because of the host's deadline, which is no error of the task.
bool has_passed(std::int64_t deadline_ns) noexcept {
  return std::chrono::steady_clock::now().time_since_epoch().count() >= deadline_ns;
}

}  // namespace

void task_run::call(const control_block::request_fields& request, std::uint32_t generation) {
  wire_writer frame;
  auto kind = result_kind::value;
  const task_frame own(control().asked.generation, generation,
                       deadline_point{time_point{duration{request.deadline_ns}}});
  control().result.blocks.store(0, std::memory_order_relaxed);
  clear_throw_trace();
  try {
    const auto entry = reinterpret_cast<trampoline>(require_function(request.entry));
    const auto beside = receive_blocks(generation, request.blocks);
    wire_reader arguments(content_.view(request.size), beside);
    frame.begin_in(content_.room());  // over the arguments, which are read before the function is called
    const end_of_forked_children here;
    tracing_throws([&] { entry(arguments, frame); });
    if (frame.size() > request.limits.output) throw output_exceeded();
    content_.write(frame.frame());
    send_result_blocks(generation, frame.attached());
  } catch (const output_exceeded&) {
    return set_exceeded(resource::output);
  } catch (const unknown_function& e) {
    return refuse(e.what());
  } catch (const scope_cancelled&) {
    return set_result(result_kind::cancelled, 0);
  } catch (const cancelled&) {  // by worker_context::check()
    return set_result(result_kind::cancelled, 0);
  } catch (const timed_out&) {
    kind = has_passed(request.deadline_ns) ? result_kind::cancelled : write_exception(frame);
  } catch (...) {
    if (const auto what = limits_.blame()) return set_exceeded(*what);
    kind = write_exception(frame);
  }
  set_result(kind, frame.size());
}

void task_run::refuse(std::string sentence) {
  wire_writer frame;
  frame.write(workit::detail::cut_text(std::move(sentence), longest_text));
  content_.write(frame.frame());
  set_result(result_kind::refused, frame.size());
}

void task_run::set_result(result_kind kind, std::size_t size) noexcept {
  control().result.kind.store(static_cast<std::uint32_t>(kind), std::memory_order_relaxed);
  control().result.size.store(size, std::memory_order_relaxed);
}

void task_run::set_exceeded(resource what) noexcept {
  control().exceeded.store(note_of(what), std::memory_order_relaxed);
  set_result(result_kind::exceeded, 0);
}

/// The host has sent them before it published the task. Blocks of an earlier task that was withdrawn are dropped.
attachments task_run::receive_blocks(std::uint32_t generation, std::uint32_t count) {
  attachments blocks;
  while (blocks.size() < count) {
    auto next = receive(task_channel_);
    if (!next) throw wire_error("the shared buffers of the call have not arrived");
    const auto got = decode(next->content);
    const auto* which = got ? std::get_if<blocks_message>(&*got) : nullptr;
    if (which != nullptr && which->generation == generation) take_blocks(std::move(next->descriptors), blocks);
  }
  return blocks;
}

void task_run::send_result_blocks(std::uint32_t generation, const attachments& blocks) {
  if (blocks.empty()) return;
  int error = EAGAIN;
  // The socket is full while the host has not read the task's reports.
  for (pollfd room{task_channel_, POLLOUT, 0}; error == EAGAIN; ::poll(&room, 1, 10))
    error = send_blocks(task_channel_, generation, blocks);
  if (error != 0) throw std::system_error(error, std::system_category(), "the shared buffers could not be sent");
  control().result.blocks.store(static_cast<std::uint32_t>(blocks.size()), std::memory_order_relaxed);
  control().messages_sent.fetch_add(1, std::memory_order_release);
}

result_kind task_run::write_exception(wire_writer& frame) {
  auto thrown = describe_current_exception();
  frame.clear();
  frame.write(workit::detail::cut_text(std::move(thrown.front().type), longest_text));
  frame.write(workit::detail::cut_text(std::move(thrown.front().message), longest_text));
  frame.write(workit::detail::cut_text(throw_trace_text(), longest_text));
  thrown.erase(thrown.begin());
  for (auto& cause : thrown) {
    const auto room = room_for_causes / thrown.size();
    cause.type = workit::detail::cut_text(std::move(cause.type), room / 4);
    cause.message = workit::detail::cut_text(std::move(cause.message), room - cause.type.size());
  }
  frame.write(thrown);
  content_.write(frame.frame());
  return result_kind::exception;
}

}  // namespace workit::workers
