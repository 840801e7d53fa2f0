// The task channel: the packets between a running task and its host, on a socket that only these two have.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>
#include <workit/base/event.hpp>
#include <workit/workers/bytes.hpp>
#include <workit/workers/detail/control_block.hpp>
#include <workit/workers/detail/remote_channel.hpp>
#include <workit/workers/shared_buffer.hpp>

#include "packets.hpp"

namespace workit::workers {

/// A packet is no larger than this; texts and fields that would not fit are cut.
inline constexpr std::size_t largest_packet = 32 * 1024;

/// A field that owns its text.
struct field_message {
  std::string name;
  std::variant<bool, std::int64_t, std::uint64_t, double, std::string> value;
};

/// ctx.report() in the worker.
struct progress_message {
  std::optional<double> pct;
  std::optional<std::string> message;
  std::vector<field_message> data;
};
/// ctx.log() in the worker.
struct log_message {
  log_level level = log_level::info;
  std::string message;
  std::vector<field_message> data;
};
/// Shared buffers of the task of that generation, for its arguments or its result; they came beside the packet.
struct blocks_message {
  std::uint32_t generation = 0;
};
/// Asks the host to charge its budgets, or, with only_look, for the state of one. `question` is repeated in the answer.
struct charges_message {
  struct part {
    std::string key;  ///< its name
    std::int64_t units = 0;
    std::uint32_t digits = 0;
  };
  std::uint32_t question = 0;
  bool only_look = false;
  std::vector<part> parts{};
};
using task_message = std::variant<progress_message, log_message, blocks_message, charges_message>;

/// The host's answer to it.
struct charge_answer {
  enum class verdict : std::uint32_t {
    charged,  ///< or, with only_look, found
    refused,  ///< the budget would be exceeded
    not_set,  ///< the host has no budget of that name
    invalid,  ///< the budget cannot count such an amount
  };
  std::uint32_t question = 0;
  verdict decided = verdict::charged;
  std::string key{};  ///< the one that was refused or is not set
  std::string unit{};
  std::uint32_t digits = 0;
  std::int64_t limit = 0;
  std::int64_t spent = 0;  ///< or would be
  std::int64_t attempted = 0;
};
[[nodiscard]] bytes encode(const charges_message& asked);
[[nodiscard]] bytes encode(const charge_answer& answer);
[[nodiscard]] std::optional<charge_answer> decode_answer(std::span<const std::byte> packet) noexcept;

/// A packet as it was received.
struct packet {
  bytes content;
  std::vector<unique_fd> descriptors;
};
/// The next packet; nothing when there is none. Blocks: no. Errors: std::bad_alloc.
[[nodiscard]] std::optional<packet> receive(int socket);
/// Sends the blocks of a task. Blocks: no. Returns 0 or an errno: EAGAIN when the socket is full.
[[nodiscard]] int send_blocks(int socket, std::uint32_t generation, const attachments& blocks) noexcept;
/// Begins the packet of a part of a value; the caller appends as much of the value as fits.
void begin_part(bytes& packet, const part_message& part);
/// The part that a packet brings, and shortens `packet` to its bytes; nothing when it is another packet.
[[nodiscard]] std::optional<part_message> decode_part(std::span<const std::byte>& packet) noexcept;
/// Adds received blocks to `to`. Errors: wire_error for one that its sender can still change; std::system_error.
void take_blocks(std::vector<unique_fd> descriptors, attachments& to);

[[nodiscard]] bytes encode(const event::progress& body);
[[nodiscard]] bytes encode(const event::log& body);
/// The message of a packet; nothing when it is malformed: a worker can send anything.
[[nodiscard]] std::optional<task_message> decode(std::span<const std::byte> packet) noexcept;

/// Views of the fields. Lifetime: that of `owned`.
[[nodiscard]] std::vector<field> views_of(const std::vector<field_message>& owned);

/// Writes why a task is asked to stop, or a channel is closed; texts that do not fit are cut. The caller publishes it.
void write_reason(control_block::reason_fields& to, const cancel_reason& why) noexcept;
/// The reason that was written there.
[[nodiscard]] cancel_reason read_reason(const control_block::reason_fields& from);

}  // namespace workit::workers
