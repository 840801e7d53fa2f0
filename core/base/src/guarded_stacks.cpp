// guarded_stacks: the handler of SIGSEGV, and what it may call.
//
// Invariants
// 1. `former` is written once, before the handler is installed, and read by the handler only.
// 2. The handler calls what is async-signal-safe (signal-safety(7)): write, sigaction, pthread_sigmask, raise, and the
//    tell_overflow() of its own thread, which it interrupts and does not race with.
// 3. It reaches no thread_local that would have to be allocated first: that one is in the static TLS (initial-exec).
// Lock order: `installing` is a leaf.
#include <workit/base/detail/guarded_stacks.hpp>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <workit/base/thread_mutex.hpp>

namespace workit::detail {
namespace {

constinit thread_local const guarded_stacks* known [[gnu::tls_model("initial-exec")]] = nullptr;

struct sigaction former {};

bool is_default(const struct sigaction& action) noexcept {
  return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_DFL;
}

/// Ends the process by the signal: a fault happens again when the handler returns, and what was sent is sent again.
void die_of(int signal, const siginfo_t& info) noexcept {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, nullptr);
  if (info.si_code <= 0) raise(signal);  // blocked until the handler returns
}

void hand_on(int signal, siginfo_t* info, void* context) noexcept {
  const bool was_sent = info->si_code <= 0;
  if ((former.sa_flags & SA_SIGINFO) == 0) {
    if (former.sa_handler == SIG_IGN && was_sent) return;
    if (former.sa_handler == SIG_DFL || former.sa_handler == SIG_IGN) return die_of(signal, *info);
  }
  pthread_sigmask(SIG_BLOCK, &former.sa_mask, nullptr);
  if ((former.sa_flags & SA_SIGINFO) != 0)
    former.sa_sigaction(signal, info, context);
  else
    former.sa_handler(signal);
}

void on_fault(int signal, siginfo_t* info, void* context) {
  const int kept = errno;
  if (info->si_code > 0) report_overflow(info->si_addr);
  hand_on(signal, info, context);
  errno = kept;
}

}  // namespace

signal_text& signal_text::operator<<(std::string_view more) noexcept {
  const auto n = std::min(more.size(), text_.size() - size_);
  std::memcpy(text_.data() + size_, more.data(), n);
  size_ += n;
  return *this;
}

signal_text& signal_text::operator<<(std::uint64_t number) noexcept {
  std::array<char, 20> digits;
  auto first = digits.size();
  do {
    digits[--first] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  return *this << std::string_view(digits.data() + first, digits.size() - first);
}

knows_its_stacks::knows_its_stacks(const guarded_stacks& mine) noexcept : before_(known) { known = &mine; }
knows_its_stacks::~knows_its_stacks() { known = before_; }

void install_overflow_report(overflow_report how) noexcept {
  static constinit thread_mutex installing;
  static constinit bool installed = false;
  if (how == overflow_report::never) return;
  const thread_lock lock(installing);
  if (installed) return;
  struct sigaction present {};
  if (sigaction(SIGSEGV, nullptr, &present) != 0) return;
  if (how == overflow_report::if_default && !is_default(present)) return;
  former = present;
  struct sigaction ours {};
  ours.sa_sigaction = on_fault;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (present.sa_flags & SA_NODEFER);
  sigemptyset(&ours.sa_mask);
  installed = sigaction(SIGSEGV, &ours, nullptr) == 0;
}

bool report_overflow(const void* address) noexcept {
  const auto* mine = known;
  if (mine == nullptr) return false;
  signal_text text;
  if (!mine->tell_overflow(reinterpret_cast<std::uintptr_t>(address), text)) return false;
  const auto said = text.view();
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, said.data(), said.size());
  return true;
}

}  // namespace workit::detail
