// print_tree_on: a signal handler, an eventfd, and the thread that reads it.
//
// Invariants
// 1. posts[signal] is the eventfd of the one service that has the signal, plus one; 0 when no service has it. It is
// closed
//    only when no handler is between reading posts and its write (`handling` counts them).
// 2. The handler touches lock-free atomics and calls write(2), and leaves errno as it was.
// Lock order: there are no locks.
#include <workit/status/print_tree_on.hpp>

#include <sys/eventfd.h>
#include <sys/prctl.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>
#include <thread>
#include <workit/base/errors.hpp>
#include <workit/base/unique_fd.hpp>
#include <workit/fiber/detail/loop.hpp>
#include <workit/scope/runtime.hpp>

#include <workit/base/detail/check_option.hpp>

#include "live_loops.hpp"
#include "stack_probe.hpp"
#include "status_round.hpp"
#include "take_snapshot.hpp"

namespace workit {
namespace {

std::array<std::atomic<int>, NSIG> posts{};
std::atomic<int> handling{0};
static_assert(std::atomic<int>::is_always_lock_free);

void on_signal(int signal) {
  const int kept = errno;
  handling.fetch_add(1);
  if (const int post = posts[static_cast<std::size_t>(signal)].load(); post != 0) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(post - 1, &one, sizeof one);
  }
  handling.fetch_sub(1);
  errno = kept;
}

void write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const auto n = ::write(descriptor, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // no reader is left
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

class tree_printer final : public service {
 public:
  tree_printer(int signal, print_tree_options options) : signal_(signal), options_(options) {
    const bool returns = signal != SIGSEGV && signal != SIGBUS && signal != SIGILL && signal != SIGFPE;
    WORKIT_CHECK_OPTION(signal > 0 && signal < NSIG && signal != SIGKILL && signal != SIGSTOP && returns,
                        "print_tree_on was given signal " + std::to_string(signal) +
                            "; it takes one that can be caught and whose handler may return, such as SIGQUIT");
  }
  ~tree_printer() override { stop(); }

  [[nodiscard]] std::string_view name() const noexcept override { return "tree printer"; }

  void start(runtime&) override {
    post_ = unique_fd(eventfd(0, EFD_CLOEXEC));
    if (!post_) throw std::system_error(errno, std::generic_category(), "eventfd for print_tree_on");
    int free = 0;
    if (!posts[static_cast<std::size_t>(signal_)].compare_exchange_strong(free, post_.get() + 1)) {
      post_.reset();
      throw start_failed("signal " + std::to_string(signal_) +
                         " has a print_tree_on already: one of them prints the trees of all runtimes");
    }
    thread_ = std::thread([this] { print_until_stopped(); });
    struct sigaction ours {};
    ours.sa_handler = on_signal;
    ours.sa_flags = SA_RESTART | SA_ONSTACK;
    sigemptyset(&ours.sa_mask);
    sigaction(signal_, &ours, &before_);
  }

  void stop() noexcept override {
    if (!post_) return;
    sigaction(signal_, &before_, nullptr);
    posts[static_cast<std::size_t>(signal_)].store(0);
    while (handling.load() != 0) std::this_thread::yield();
    stopping_.store(true);
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(post_.get(), &one, sizeof one);
    thread_.join();
    post_.reset();
  }

 private:
  void print_until_stopped() {
    prctl(PR_SET_NAME, "workit-tree");
    for (;;) {
      std::uint64_t count = 0;
      const auto n = ::read(post_.get(), &count, sizeof count);
      if (stopping_.load()) return;
      if (n == sizeof count) write_all(options_.descriptor, process_tree(options_.patience, options_.tree));
    }
  }

  const int signal_;
  const print_tree_options options_;
  unique_fd post_;
  struct sigaction before_ {};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

std::string silent_thread(const detail::loop& held) {
  const auto beats = held.beats();
  std::string text = "I/O thread " + std::to_string(held.index()) + " does not answer";
  const auto sample = detail::probe_stack(held, beats, std::chrono::milliseconds(100));
  if (!sample) return text + '\n';
  if (sample->task != 0)
    text += ": it is held by task \"" + sample->name + "\" (" + std::to_string(sample->task) + ')' +
            (sample->inside.empty() ? "" : " in \"" + sample->inside + '"');
  text += '\n';
  for (const auto& frame : detail::describe_frames(sample->frames)) text += "  at " + frame + '\n';
  return text;
}

}  // namespace

std::string process_tree(time_span patience, const tree_options& options) {
  const auto loops = detail::live_loops::all();
  const auto round = detail::status_round::ask(loops, [](const detail::loop& l, runtime_snapshot& into) {
    if (detail::loop::current() != &l) return;  // it has ended meanwhile, and its runtime may be gone
    into.name = l.owner().name();
    into.taken = l.now();
    detail::take_roots(l, into);
  });
  round->wait_until(deadline_point::in(patience, std::chrono::steady_clock::now()).at());
  std::string text, silent;
  for (std::size_t i = 0; i < loops.size();) {  // the loops of one runtime stand together
    runtime_snapshot all;
    const auto* owner = &loops[i]->owner();
    for (; i < loops.size() && &loops[i]->owner() == owner; ++i) {
      auto part = round->answer(i);
      if (!part) {
        silent += silent_thread(*loops[i]);
        continue;
      }
      all.name = part->name;
      all.taken = part->taken;
      std::move(part->roots.begin(), part->roots.end(), std::back_inserter(all.roots));
      std::move(part->queued.begin(), part->queued.end(), std::back_inserter(all.queued));
    }
    if (all.taken != time_point{}) text += render_tree(all, options);
    text += std::exchange(silent, {});
  }
  return text.empty() ? "no workit runtime is alive here\n" : text;
}

std::unique_ptr<service> print_tree_on(int signal, print_tree_options options) {
  return std::make_unique<tree_printer>(signal, options);
}

}  // namespace workit
