// What connects a worker's scope with its host: its deadline and name, the host's request to stop, its reports.
//
// Invariants
// 1. The runtime and its listener are made for the first task that takes a context&, and live as long as the process.
// 2. `asked_cell_` is the cell of the running task's root scope, or null. The listener requests under the mutex, so
// that
//    a request never reaches the next task.
// 3. A message is sent, then counted, then the host is woken: the host finds what was counted.
// Lock order: cancel_cell::request, called under the mutex, takes the lock of this process's own loop.
#include "worker_scope.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>
#include <workit/base/overloaded.hpp>
#include <workit/base/quiet_thread.hpp>
#include <workit/base/thread_mutex.hpp>
#include <workit/scope/runtime.hpp>
#include <workit/workers/detail/remote_call.hpp>

#include "host_budgets.hpp"
#include "task_channel.hpp"
#include "throw_trace.hpp"

namespace workit::workers {
namespace {

host_link link_;
std::atomic<unsigned> threads{0};

/// Blocks: while the task channel is full, which the host empties.
void send_to_host(const bytes& packet) noexcept {
  if (link_.control == nullptr || packet.size() > largest_packet) return;
  for (;;) {
    if (::send(link_.socket, packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) break;
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return;  // the host is ending, or the task has closed the socket
    wake_host();
    pollfd room{link_.socket, POLLOUT, 0};
    ::poll(&room, 1, 10);
  }
  link_.control->messages_sent.fetch_add(1, std::memory_order_release);
  wake_host();
}

void forward(const lifecycle_event& e) {
  std::visit(workit::detail::overloaded{[](const event::progress& body) { send_to_host(encode(body)); },
                                        [](const event::log& body) { send_to_host(encode(body)); }, [](const auto&) {}},
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
    if (link_.control != nullptr) {
      const auto& request = link_.control->request;
      options.name = request.name;
      if (request.deadline_ns != std::numeric_limits<std::int64_t>::max())
        options.deadline_at = deadline_point{time_point{duration{request.deadline_ns}}};
      generation = control_word(link_.control->word.load(std::memory_order_relaxed)).generation();
      if (request.grace_ns > 0) listen();
    }
    bool returned = false;
    try {
      runtime_.run(std::move(options), [&](scope& s) {
        const stoppable open(*this, s.node().cell(), generation);
        tracing_throws([&] { body(s); });  // here, since the scope throws it again
        returned = true;
      });
    } catch (const timed_out&) {
      if (!returned) throw;  // a value within the grace: whether it is in time is the host's to decide
    }
  }

 private:
  /// While it lives, the task of `generation` can be asked to stop.
  class stoppable {
   public:
    stoppable(worker_scope& owner, cancel_cell::ptr cell, std::uint32_t generation) : owner_(owner) {
      const thread_lock lock(owner_.mutex_);
      owner_.asked_cell_ = std::move(cell);
      owner_.generation_ = generation;
      owner_.pass_on();
    }
    ~stoppable() {
      const thread_lock lock(owner_.mutex_);
      owner_.asked_cell_.reset();
    }
    stoppable(const stoppable&) = delete;
    stoppable& operator=(const stoppable&) = delete;

   private:
    worker_scope& owner_;
  };

  worker_scope() : runtime_({.name = "worker", .io_threads = 0, .on_event = forward}) {
    if (link_.control != nullptr) runtime_.ask_for_budgets(make_host_budgets(link_.socket, send_to_host));
  }

  void pass_on() WORKIT_REQUIRES(mutex_) {
    if (link_.control == nullptr || asked_cell_ == nullptr) return;
    const auto& asked = link_.control->asked;
    if (asked.generation.load(std::memory_order_acquire) == generation_) asked_cell_->request(read_reason(asked));
  }

  void listen() {
    if (listening_) return;
    listening_ = true;
    start_quiet_thread("workit-listen", [this] {
      for (;;) {
        const auto seen = link_.control->asked.generation.load(std::memory_order_acquire);
        {
          const thread_lock lock(mutex_);
          pass_on();
        }
        wait_while(link_.control->asked.generation, seen);
      }
    }).detach();
    threads.fetch_add(1, std::memory_order_relaxed);
  }

  thread_mutex mutex_;
  cancel_cell::ptr asked_cell_ WORKIT_GUARDED_BY(mutex_);
  std::uint32_t generation_ WORKIT_GUARDED_BY(mutex_) = 0;
  bool listening_ = false;
  runtime runtime_;
};

}  // namespace

void set_host_link(const host_link& link) noexcept { link_ = link; }

const host_link& this_host_link() noexcept { return link_; }

void wake_host() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(link_.loop_event->load(std::memory_order_relaxed), &one, sizeof one);
}

unsigned scope_threads() noexcept { return threads.load(std::memory_order_relaxed); }

void run_in_worker_scope(const std::function<void(context&)>& body) { worker_scope::instance().run(body); }

}  // namespace workit::workers
