// The line: what a running task tells its host, one record a packet, on a socket that the two alone share; and the
// shared buffers that go along with a call or its result.
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

/// One field, with text of its own.
struct field_message {
  std::string name;
  std::variant<bool, std::int64_t, std::uint64_t, double, std::string> value;
};

/// What ctx.report() said in the worker.
struct progress_message {
  std::optional<double> pct;
  std::optional<std::string> message;
  std::vector<field_message> data;
};
/// What ctx.log() said.
struct log_message {
  log_level level = log_level::info;
  std::string message;
  std::vector<field_message> data;
};
/// Shared buffers of the task of that generation, for its arguments or its result; they came beside the packet.
struct blocks_message {
  std::uint32_t generation = 0;
};
/// A question about budgets, for all of its charges or, to look, about one. The host answers it by `question`.
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
using told = std::variant<progress_message, log_message, blocks_message, charges_message>;

/// What the host says to such a question.
struct charge_answer {
  enum class verdict : std::uint32_t {
    charged,  ///< or, to look: here it is
    refused,  ///< it does not fit
    not_set,  ///< the host has no budget of that name
    invalid,  ///< the amount is none that the budget can count
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

/// A packet as it came.
struct packet {
  bytes content;
  std::vector<unique_fd> descriptors;
};
/// The next packet on the line; nothing when there is none. Blocks: no. Errors: std::bad_alloc.
[[nodiscard]] std::optional<packet> receive(int line);
/// Sends the blocks of a task. Blocks: no. Returns 0, or why it did not work as errno says it.
[[nodiscard]] int send_blocks(int line, std::uint32_t generation, const attachments& blocks) noexcept;
/// Begins the packet of a piece of a value; as much of it as fits follows.
void begin_part(bytes& packet, const part_message& part);
/// The piece that a packet brings, and its bytes; nothing when it is another packet.
[[nodiscard]] std::optional<part_message> decode_part(std::span<const std::byte>& packet) noexcept;
/// Takes in blocks that were received. Errors: wire_error for one that could still change; std::system_error.
void take_blocks(std::vector<unique_fd> descriptors, attachments& to);

[[nodiscard]] bytes encode(const event::progress& said);
[[nodiscard]] bytes encode(const event::log& said);
/// What a packet says; nothing when it is none of ours: a worker can send anything.
[[nodiscard]] std::optional<told> decode(std::span<const std::byte> packet) noexcept;

/// Views of the fields. Lifetime: theirs.
[[nodiscard]] std::vector<field> views_of(const std::vector<field_message>& kept);

/// Writes why a task is asked to stop, all but the generation, which tells the worker; or why a channel was closed.
void write_reason(control_block::reason_fields& to, const cancel_reason& why) noexcept;
/// What was written there.
[[nodiscard]] cancel_reason read_reason(const control_block::reason_fields& from);

}  // namespace workit::workers
