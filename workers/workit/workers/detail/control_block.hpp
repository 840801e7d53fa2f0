// The memory a worker shares with the host: one page of control, then the payload.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <new>
#include <workit/preempt/life_mutex.hpp>
#include <workit/workers/detail/function_id.hpp>
#include <workit/workers/process_limits.hpp>

namespace workit::workers {

/// Where a worker's one task stands. With the task's generation it makes the word on which completion and stop compete.
enum class phase : std::uint32_t {
  idle,       ///< no task, or one not yet published
  running,    ///< the task is the worker's
  committed,  ///< its result is complete
  stopped,    ///< the host took it back; the worker is lost
};

/// {generation, phase} as the 32 bits a futex has. Generations wrap after 2^30 tasks, long after their words are gone.
class control_word {
 public:
  constexpr control_word(std::uint32_t generation, phase p) noexcept
      : bits_(generation << 2 | static_cast<std::uint32_t>(p)) {}
  constexpr explicit control_word(std::uint32_t bits) noexcept : bits_(bits) {}
  [[nodiscard]] constexpr std::uint32_t bits() const noexcept { return bits_; }
  [[nodiscard]] constexpr std::uint32_t generation() const noexcept { return bits_ >> 2; }
  [[nodiscard]] constexpr phase at() const noexcept { return static_cast<phase>(bits_ & 3); }
  friend constexpr bool operator==(control_word, control_word) noexcept = default;

 private:
  std::uint32_t bits_;
};

/// How many values a task may send to a channel in all, modulo 2^29, and three bits beside it.
struct channel_word {
  static constexpr std::uint32_t closed = 1;  ///< the host receives no more
  static constexpr std::uint32_t waits = 2;   ///< the worker waits for room
  static constexpr std::uint32_t asked = 4;   ///< flipped when the task is asked to stop, so that its wait ends
  static constexpr std::uint32_t one = 8;     ///< room for a value
  [[nodiscard]] static constexpr bool has_room(std::uint32_t word, std::uint32_t sent) noexcept {
    return word / one != (sent & (~0U / one));
  }
};

/// Those of which a worker's signal handler makes a note.
inline constexpr std::array crash_signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};

/// What the worker left in the payload. It is only a claim: the host checks it.
enum class result_kind : std::uint32_t {
  none,
  value,      ///< the trampoline's frame
  exception,  ///< three strings: type, what(), where it was thrown; a vector of causes
  refused,    ///< one string: why the task did not begin
  cancelled,  ///< nothing: it left by `cancelled`, having been asked to stop
  exceeded,   ///< nothing: `exceeded` says which limit
};

/// How far a worker has come before its first task.
enum worker_readiness : std::uint32_t {
  not_ready,
  ready_now,
  init_failed,     ///< the payload holds a result of kind `refused`: what worker_init threw
  confine_failed,  ///< `confine_error` says why the worker could not be confined as its pool wants
};

/// Which side writes what, and when. The host trusts no field once the worker could write it, but the memory is there:
/// the file is sealed against shrinking. All fields but `word` and `life` are published by a change of `word`.
///
///   field         written by   while the word is
///   word          host         idle -> running, running -> stopped, committed -> idle (next generation)
///                 worker       running -> committed
///   life          worker       held from start to death
///   request       host         idle
///   result        worker       running, before the commit
///   ready         worker       any, once: a worker_readiness
///   confine_error worker       any, before `ready`: a task may be waiting, whose arguments are in the payload
///   crash         worker       any, from its signal handler
///   asked         host         any: its generation last
///   channels      host         idle: to the room that there is at first; running: more, or that it is closed
///                 worker       running: that it waits for room
///   messages_sent worker       running, after each message on the task channel
///   prewoken      host         any: a task may come soon
///   exceeded      host         idle: to none; worker: running, before it commits or dies of it
///   cpu_end_ns    host         idle: to none; worker: running, when its processor time is limited
///   beat          worker       running, by the self-test's victim only
///   payload       host         idle: the arguments; worker: running: the result, over them
struct control_block {
  alignas(64) std::atomic<std::uint32_t> word{control_word{0, phase::idle}.bits()};
  alignas(64) preempt::life_mutex life;

  struct request_fields {
    function_id entry;
    std::uint64_t size = 0;        ///< bytes of arguments
    std::uint32_t blocks = 0;      ///< shared buffers that were sent along
    std::int64_t deadline_ns = 0;  ///< CLOCK_MONOTONIC, max for never
    std::int64_t grace_ns = 0;     ///< how long after `deadline_ns`, or after it was asked, it may take to stop
    std::uint32_t loop = 0;        ///< is woken after the commit
    char name[64] = {};            ///< the task's, cut; ends with a zero
    limit_values limits;
  };
  alignas(64) request_fields request;

  struct result_fields {
    std::atomic<std::uint32_t> kind{0};
    std::atomic<std::uint32_t> left_behind{0};  ///< threads or children of the task are still there
    std::atomic<std::uint64_t> size{0};
    std::atomic<std::uint32_t> blocks{0};       ///< shared buffers that were sent along
    std::atomic<std::uint64_t> cpu_us{0};       ///< user and system time of the task
    std::atomic<std::uint64_t> largest_rss{0};  ///< KiB, since the worker began
  };
  alignas(64) result_fields result;

  /// A cancel_reason.
  struct reason_fields {
    std::uint32_t kind = 0;   ///< index in cancel_reason
    std::int64_t number = 0;  ///< ns: a deadline's instant, a time-out's limit
    char text[200] = {};      ///< a tag, message or name, cut; ends with a zero
  };
  /// A request that the task stop by itself.
  struct asked_fields : reason_fields {
    std::atomic<std::uint32_t> generation{~0U};  ///< of the task that is asked; no task's at first; a futex
  };
  alignas(64) asked_fields asked;

  /// Room for the values that the task sends to one of its channels.
  struct channel_fields {
    std::atomic<std::uint32_t> room{0};  ///< a channel_word; a futex
    reason_fields why;                   ///< written before `closed`
    bool has_reason = false;             ///< as `why`
  };
  alignas(64) channel_fields channels[4];

  std::atomic<std::uint32_t> ready{not_ready};
  std::atomic<std::int32_t> confine_error{0};  ///< an errno of seccomp(2)
  std::atomic<std::uint32_t> messages_sent{0};
  std::atomic<std::uint32_t> prewoken{0};  ///< moves on each time

  /// Written as a signal kills the worker. There may be a backtrace in the payload, one frame a line.
  struct crash_fields {
    std::atomic<std::uint64_t> address{0};     ///< of a fault
    std::atomic<std::int32_t> noted{0};        ///< the signal, written after the address and before the backtrace
    std::atomic<std::uint32_t> trace_size{0};  ///< bytes of text
    std::atomic<std::int32_t> signal{0};       ///< the same, written last
  };
  crash_fields crash;

  std::atomic<std::uint32_t> exceeded{0};    ///< a resource plus 1, or 0
  std::atomic<std::uint64_t> cpu_end_ns{0};  ///< the reading of its processor clock at which the kernel ends it

  alignas(64) std::atomic<std::uint64_t> beat{0};
};

/// The payload begins on the second page.
inline constexpr std::size_t payload_offset = 4096;
/// A new block has room for this much, mapped by the worker from the start.
inline constexpr std::size_t first_payload = 64 * 1024 - payload_offset;
/// Neither arguments nor results of one task may be larger: 2 GiB.
inline constexpr std::size_t largest_payload = std::size_t{2} << 30;

static_assert(sizeof(control_block) <= payload_offset);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free && std::atomic<std::uint64_t>::is_always_lock_free);

/// Sleeps while `word` is `seen`; wakes early at times. Across processes. Blocks: until then.
void wait_while(const std::atomic<std::uint32_t>& word, std::uint32_t seen) noexcept;
/// Wakes one sleeper on `word`.
void wake(const std::atomic<std::uint32_t>& word) noexcept;

}  // namespace workit::workers
