// The messages between a host and its zygote: one record a packet, descriptors beside it.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>
#include <workit/base/detail/cut_text.hpp>
#include <workit/base/unique_fd.hpp>
#include <workit/base/worker_errors.hpp>
#include <workit/workers/detail/function_id.hpp>
#include <workit/workers/process_limits.hpp>
#include <workit/workers/sandbox.hpp>
#include <workit/workers/worker_output.hpp>

#include "packets.hpp"

namespace workit::workers {

/// Begins the zygote's argument; the number of its end of the socket follows, and then what only ps(1) shows.
inline constexpr std::string_view zygote_argument = "--workit-zygote=";
/// Its argv[0], and that of its workers.
inline constexpr std::string_view zygote_name = "workit-zygote";
inline constexpr std::string_view worker_name = "workit-worker";

enum class message_kind : std::uint32_t {
  // host to zygote
  hello,  ///< with the loops' wake pipes, the host-life memfd, and the memfd of the start
  fork,   ///< with the memfd of the worker's block, its end of the task channel and, if captured, of its output's pipe
  kill,   ///< where the host itself may not
  ping,   ///< answered by `pong` at once
  quit,
  // zygote to host
  begun,      ///< init() was reached; preload is next
  ready,      ///< preload is done
  failed,     ///< the start failed; `text` says why. The zygote exits
  forked,     ///< with a pidfd, or an error
  exited,     ///< the worker is dead and reaped; its memory may not be free yet
  reclaimed,  ///< its memory is free, too
  violated,   ///< a sandboxed worker made a forbidden call, and is killed
  pong,
  // worker to zygote
  seccomp_listener,  ///< with the descriptor on which the kernel announces its forbidden calls
};

/// Text of a message; one that does not fit is cut, and ends with "...".
struct message_text {
  char characters[384] = {};
  void set(std::string_view text) noexcept {
    constexpr std::string_view dots = "...";
    const bool fits = text.size() < sizeof characters;
    const auto kept = fits ? text.size() : workit::detail::whole_characters(text, sizeof characters - 1 - dots.size());
    std::memcpy(characters, text.data(), kept);
    if (!fits) std::memcpy(characters + kept, dots.data(), dots.size());
  }
  [[nodiscard]] std::string_view view() const noexcept {
    return {characters, ::strnlen(characters, sizeof characters)};
  }
};

struct message {
  message_kind kind{};
  std::uint32_t worker = 0;            ///< fork, kill, forked, exited, reclaimed: the host's number for it
  pid_t pid = 0;                       ///< hello: the host; forked: the worker
  std::int32_t error = 0;              ///< forked: errno, 0 when it went well
  std::int32_t status = 0;             ///< exited: as wait(2) gives it
  std::int32_t call = 0;               ///< violated: the number of the system call
  out_of_memory oom_guess{};           ///< exited, by SIGKILL
  std::uint32_t threads = 0;           ///< forked, with EAGAIN: how many threads the zygote has
  std::uint64_t largest_rss = 0;       ///< exited: KiB
  std::uint64_t cpu_us = 0;            ///< exited: user and system time
  worker_output output{};              ///< hello
  function_id preload{};               ///< hello: of a trampoline, as worker_init; empty when there is none
  function_id worker_init{};           ///< hello
  std::uint64_t host_life_offset = 0;  ///< hello: of the life mutex in the host-life memfd
  std::uint64_t preload_size = 0;      ///< hello: bytes of its arguments in the memfd of the start
  std::uint64_t worker_init_size = 0;  ///< hello: of its arguments, behind them
  std::uint64_t modules_size = 0;      ///< hello: of the list of the host's modules, behind them
  limit_values limits{};               ///< hello: the pool's
  std::uint32_t max_descriptors = 0;   ///< hello: the pool's
  workit::sandbox sandbox{};           ///< hello: the pool's
  bool has_cpus = false;               ///< hello: `cpus` is known
  cpu_set_t cpus{};                    ///< hello: those that the host could use at its start
  message_text text{};                 ///< hello: the pool's name; failed: a sentence
};
static_assert(std::is_trivially_copyable_v<message>);

/// As send_packet().
[[nodiscard]] transfer send(int socket, const message& m, std::span<const int> descriptors = {}) noexcept;

/// As receive_packet(). A packet that is no message counts as closed.
[[nodiscard]] transfer receive(int socket, message& m, std::vector<unique_fd>& descriptors) noexcept;

}  // namespace workit::workers
