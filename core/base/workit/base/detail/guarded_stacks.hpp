// guarded_stacks: what a thread knows of the stacks on which its work runs, for the handler of SIGSEGV.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <workit/base/overflow_report.hpp>

namespace workit::detail {

/// A guard below a stack. A frame that is larger jumps over it, which a compiler prevents with
/// -fstack-clash-protection.
inline constexpr std::size_t guard_bytes = std::size_t{64} * 1024;

/// Text for standard error, put together in a signal handler: no allocation, one write(2). What does not fit is cut.
class signal_text {
 public:
  signal_text& operator<<(std::string_view more) noexcept;
  signal_text& operator<<(std::uint64_t number) noexcept;
  signal_text& operator<<(char) = delete;
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 1024> text_;
  std::size_t size_ = 0;
};

/// Threads: the one on which it is installed.
class guarded_stacks {
 public:
  /// If `address` is in the guard below the stack that runs now, says in `text` whose stack has overflowed and what to
  /// do. Async-signal-safe.
  [[nodiscard]] virtual bool tell_overflow(std::uintptr_t address, signal_text& text) const noexcept = 0;

 protected:
  ~guarded_stacks() = default;
};

/// Makes `mine` what the calling thread knows of its stacks, for as long as this lives.
class knows_its_stacks {
 public:
  explicit knows_its_stacks(const guarded_stacks& mine) noexcept;
  ~knows_its_stacks();
  knows_its_stacks(const knows_its_stacks&) = delete;
  knows_its_stacks& operator=(const knows_its_stacks&) = delete;

 private:
  const guarded_stacks* const before_;
};

/// Installs the handler, unless `how` or the present handler forbids it, or it is installed. It stays for as long as
/// the process: to take out a handler that others may have chained to is not safe. Threads: any.
void install_overflow_report(overflow_report how) noexcept;

/// For handlers of SIGSEGV: writes the report if the fault at `address` is an overflow. Async-signal-safe.
bool report_overflow(const void* address) noexcept;

}  // namespace workit::detail
