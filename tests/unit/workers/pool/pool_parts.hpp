// Jobs, zygote groups and workers of a pool without any process: what its parts are tested with.
#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "deferred_actions.hpp"
#include "worker_table.hpp"
#include "zygote_roles.hpp"

namespace workit::test {

using namespace workers;

/// A job that counts its settlements.
class counted_job final : public job {
 public:
  using job::job;
  void settled() noexcept override { ++settlements; }
  int settlements = 0;
};

inline std::shared_ptr<counted_job> make_job(std::string name, job_terms on = {}, bytes arguments = {}) {
  return std::make_shared<counted_job>(cancel_cell::make(nullptr, nullptr), std::move(name),
                                       remote_call{{}, std::move(arguments)}, on);
}

/// The other end of a zygote's socket.
struct zygote_end {
  unique_fd socket;
  /// The next message from the pool. Its kind is `pong` when there is none.
  [[nodiscard]] message next() const {
    message m;
    std::vector<unique_fd> descriptors;
    if (receive(socket.get(), m, descriptors) != transfer::done) m.kind = message_kind::pong;
    return m;
  }
};

/// A link whose process is this one: its socket is real, and its pidfd says that it lives.
inline std::pair<std::unique_ptr<zygote_link>, zygote_end> make_link() {
  int ends[2] = {-1, -1};
  ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
  unique_fd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  return {std::make_unique<zygote_link>(unique_fd(ends[0]), std::move(self), ::getpid()),
          zygote_end{unique_fd(ends[1])}};
}

inline std::shared_ptr<zygote_group> make_group() { return std::make_shared<zygote_group>(); }

/// A table that lets go of its workers at its end, as a pool does: a worker, its task and its zygote group refer to one
/// another.
class ending_table : public worker_table {
 public:
  ending_table() = default;
  explicit ending_table(std::size_t payload_memory) : worker_table(payload_memory) {}
  ending_table(const ending_table&) = delete;
  ending_table& operator=(const ending_table&) = delete;
  ~ending_table() {
    for (const auto& [number, worker] : *this) worker->task.reset();
    clear();
  }
};

/// A worker that was asked for and that no zygote has forked.
inline std::shared_ptr<worker_handle> add_worker(worker_table& table, const std::shared_ptr<zygote_group>& from) {
  auto worker = worker_handle::make(table.next_number(), from, worker_output::inherit);
  table.reserve(*worker);
  table.add(worker);
  return worker;
}

inline std::shared_ptr<worker_handle> add_idle(worker_table& table, const std::shared_ptr<zygote_group>& from) {
  auto worker = add_worker(table, from);
  table.enter(worker, worker_state::idle);
  return worker;
}

/// Notes the actions of a list in the order in which they are done, as in "kill 3".
class noting_actor {
 public:
  void kill(worker_handle& worker) { note("kill", worker.number); }
  void start(const launch& l, deferred_actions&) {
    notes.push_back("start " + l.task->name + " on " + std::to_string(l.worker->number));
  }
  void settle(const std::shared_ptr<job>& task, const job_result&) { notes.push_back("settle " + task->name); }
  void prewake(worker_handle& worker) { note("prewake", worker.number); }
  void post_fork() { notes.emplace_back("fork"); }
  void complete(receipt_slot&) { notes.emplace_back("complete"); }

  std::vector<std::string> notes;

 private:
  void note(const char* what, std::uint32_t number) { notes.push_back(what + (" " + std::to_string(number))); }
};

inline std::vector<std::string> notes_of(deferred_actions& todo) {
  noting_actor actor;
  todo.run(actor);
  return actor.notes;
}

}  // namespace workit::test
