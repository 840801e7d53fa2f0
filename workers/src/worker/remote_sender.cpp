// The worker's end of a remote_channel: waits for room, and sends a value in as many packets as it takes.
#include <workit/workers/detail/remote_channel.hpp>

#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <workit/base/assert.hpp>
#include <workit/base/cancelled.hpp>
#include <workit/wait/channel_closed.hpp>

#include "task_channel.hpp"
#include "task_limits.hpp"
#include "worker_scope.hpp"

namespace workit::workers {
namespace {

/// How many values the running task has sent to each of its channels.
std::array<std::uint32_t, most_channels> sent{};

control_block& control_of_worker() {
  auto* const control = this_host_link().control;
  WORKIT_ASSERT(control != nullptr,
                "a worker_sender was used outside of a worker process: only the function that offload() runs at "
                "boundary::process may send");
  return *control;
}

[[noreturn]] void throw_closed(const std::string& channel, const control_block::channel_fields& at) {
  throw channel_closed(channel, at.has_reason ? std::optional(read_reason(at.why)) : std::nullopt, nullptr);
}

/// Until there is room for one more value.
void wait_for_room(control_block& control, control_block::channel_fields& at, std::uint32_t before,
                   const std::string& channel) {
  const auto generation = control_word(control.word.load(std::memory_order_relaxed)).generation();
  for (auto word = at.room.load(std::memory_order_acquire);;) {
    if ((word & channel_word::closed) != 0) throw_closed(channel, at);
    if (channel_word::has_room(word, before)) break;
    if (control.asked.generation.load(std::memory_order_acquire) == generation)
      workit::detail::cancel_thrower::leave(read_reason(control.asked));
    if ((word & channel_word::waits) == 0)
      word = at.room.fetch_or(channel_word::waits, std::memory_order_seq_cst) | channel_word::waits;
    else
      wait_while(at.room, word), word = at.room.load(std::memory_order_acquire);
  }
  at.room.fetch_and(~channel_word::waits, std::memory_order_relaxed);
}

void announce(const host_link& link) noexcept {
  link.control->messages_sent.fetch_add(1, std::memory_order_release);
  wake_host();
}

/// Blocks: while the task channel is full, which the host empties.
void send_whole(const host_link& link, const bytes& packet, const std::vector<int>& beside) {
  for (;;) {
    const auto how = send_packet(link.socket, std::span(packet.data(), packet.size()), beside);
    if (how == transfer::done) return;
    if (how == transfer::closed)
      throw std::system_error(errno, std::system_category(), "a value could not be sent to the host");
    announce(link);
    pollfd room{link.socket, POLLOUT, 0};
    ::poll(&room, 1, 10);
  }
}

}  // namespace

void begin_sending(std::uint64_t place) {
  if (place >= most_channels) throw wire_error("a frame names a channel that no call has");
  sent[place] = 0;
}

bool is_closed(std::uint64_t place) noexcept {
  return (control_of_worker().channels[place].room.load(std::memory_order_relaxed) & channel_word::closed) != 0;
}

void send_part(std::uint64_t place, const std::string& channel, const wire_writer& value) {
  auto& control = control_of_worker();
  if (value.size() > std::min<std::uint64_t>(control.request.limits.output, largest_payload)) throw output_exceeded();
  auto& at = control.channels[place];
  wait_for_room(control, at, sent[place], channel);
  ++sent[place];
  const auto& link = this_host_link();
  std::vector<int> beside;
  for (const auto& each : value.attached()) beside.push_back(each->descriptor());
  part_message part{.generation = control_word(control.word.load(std::memory_order_relaxed)).generation(),
                    .place = static_cast<std::uint32_t>(place),
                    .size = value.size()};
  bytes packet;
  do {
    begin_part(packet, part);
    const auto piece = std::min<std::size_t>(largest_packet - packet.size(), value.size() - part.offset);
    packet.append(value.frame().data() + part.offset, piece);
    send_whole(link, packet, beside);
    beside.clear();
    part.offset += piece;
  } while (part.offset < part.size);
  announce(link);
}

}  // namespace workit::workers
