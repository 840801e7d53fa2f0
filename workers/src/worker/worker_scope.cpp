// What connects a worker's scope with its host: its deadline and name, the wish that it stop, what it reports.
//
// Invariants
// 1. The runtime and its listener are made for the first task that asks for its context, and live as long as the
// process.
// 2. `asked_cell` is the root scope's of the task under way, or null. It is set and read under `mutex`; the listener
//    requests under it, so that a request never reaches the next task.
// 3. A message is sent, then counted, then the bell is rung: the host finds what it was told of.
// Lock order: `mutex` is a leaf but for what cancel_cell::request takes: the post to this process's own loop.
#include "worker_scope.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <mutex>
#include <thread>
#include <workit/base/overloaded.hpp>
#include <workit/base/quiet_thread.hpp>
#include <workit/scope/runtime.hpp>
#include <workit/workers/detail/remote_call.hpp>

#include "host_budgets.hpp"
#include "task_channel.hpp"
#include "throw_trace.hpp"

namespace workit::workers {
namespace {

worker_surroundings here;
std::atomic<unsigned> threads{0};

void ring() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto heard = ::write(here.bell->load(std::memory_order_relaxed), &one, sizeof one);
}

void tell(const bytes& packet) noexcept {
  if (here.control == nullptr || packet.size() > largest_packet) return;
  for (;;) {
    if (::send(here.line, packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) break;
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return;  // the host is going, or the task has closed the line
    ring();                       // it has more to read than fits: it is told again, and waited for
    pollfd room{here.line, POLLOUT, 0};
    ::poll(&room, 1, 10);
  }
  here.control->said.fetch_add(1, std::memory_order_release);
  ring();
}

void tell_host(const lifecycle_event& e) {
  std::visit(workit::detail::overloaded{[](const event::progress& said) { tell(encode(said)); },
                                        [](const event::log& said) { tell(encode(said)); }, [](const auto&) {}},
             e.body);
}

class worker_scope {
 public:
  static worker_scope& instance() {
    static auto* const self = new worker_scope;  // never destroyed: the process leaves by _exit
    return *self;
  }

  void run(const std::function<void(context&)>& body) {
    scope_options options{.name = "task"};
    std::uint32_t generation = 0;
    if (here.control != nullptr) {
      const auto& request = here.control->request;
      options.name = request.name;
      if (request.deadline_ns != std::numeric_limits<std::int64_t>::max())
        options.deadline_at = deadline{time_point{duration{request.deadline_ns}}};
      generation = control_word(here.control->word.load(std::memory_order_relaxed)).generation();
      if (request.grace_ns > 0) listen();
    }
    runtime_.run(std::move(options), [&](scope& s) {
      const hearing open(*this, s.node().cell(), generation);
      noting_throws([&] { body(s); });  // here, since the scope throws it again
    });
  }

 private:
  /// While it lives, the task of `generation` can be asked to stop.
  class hearing {
   public:
    hearing(worker_scope& owner, cancel_cell::ptr cell, std::uint32_t generation) : owner_(owner) {
      const std::lock_guard lock(owner_.mutex_);
      owner_.asked_cell_ = std::move(cell);
      owner_.generation_ = generation;
      owner_.pass_on();
    }
    ~hearing() {
      const std::lock_guard lock(owner_.mutex_);
      owner_.asked_cell_.reset();
    }
    hearing(const hearing&) = delete;
    hearing& operator=(const hearing&) = delete;

   private:
    worker_scope& owner_;
  };

  worker_scope() : runtime_({.name = "worker", .io_threads = 0, .on_event = tell_host}) {
    if (here.control != nullptr) runtime_.ask_for_budgets(make_host_budgets(here.line, tell));
  }

  /// Requires: the mutex.
  void pass_on() {
    if (here.control == nullptr || asked_cell_ == nullptr) return;
    const auto& asked = here.control->asked;
    if (asked.generation.load(std::memory_order_acquire) == generation_) asked_cell_->request(read_reason(asked));
  }

  void listen() {
    if (listening_) return;
    listening_ = true;
    start_quiet_thread("workit-listen", [this] {
      for (;;) {
        const auto seen = here.control->asked.generation.load(std::memory_order_acquire);
        {
          const std::lock_guard lock(mutex_);
          pass_on();
        }
        wait_while(here.control->asked.generation, seen);
      }
    }).detach();
    threads.fetch_add(1, std::memory_order_relaxed);
  }

  std::mutex mutex_;
  cancel_cell::ptr asked_cell_;
  std::uint32_t generation_ = 0;
  bool listening_ = false;
  runtime runtime_;
};

}  // namespace

void set_worker_surroundings(const worker_surroundings& inherited_context) noexcept { here = inherited_context; }

const worker_surroundings& inherited_context() noexcept { return here; }

unsigned scope_threads() noexcept { return threads.load(std::memory_order_relaxed); }

void run_in_worker_scope(const std::function<void(context&)>& body) { worker_scope::instance().run(body); }

}  // namespace workit::workers
