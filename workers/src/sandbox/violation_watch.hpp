// The zygote's watch over its sandboxed workers: receives the calls that the kernel did not run.
#pragma once

#include <poll.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>
#include <workit/base/unique_fd.hpp>

namespace workit::workers {

/// A worker sends the descriptor of its own filter's announcements over a socket, once, before its first task.
/// Nothing that the task does afterwards to its memory, signals and descriptors can suppress an announcement.
class violation_watch {
 public:
  /// A forbidden call of that worker: its number, -1 for one of another interface. It waits, and so does its thread,
  /// until the worker has been killed.
  using report = std::function<void(std::uint32_t worker, int call)>;

  /// `channel`: our end of the socket.
  void add(std::uint32_t worker, unique_fd channel);
  /// The worker is dead: not before, since closing a descriptor lets its pending call go on, with ENOSYS.
  void forget(std::uint32_t worker) noexcept { guards_.erase(worker); }

  /// What to poll for, appended.
  void append_to(std::vector<pollfd>& wanted) const;
  /// Looks at what append_to() has asked for, after poll(2).
  void take(const std::vector<pollfd>& polled, const report& to);

 private:
  struct guard {
    unique_fd channel;   // until the listener has come
    unique_fd listener;  // kept open until it is forgotten
    bool done = false;   // no announcement comes any more
    [[nodiscard]] int descriptor() const noexcept { return listener ? listener.get() : channel.get(); }
  };
  static short events_of(const guard& g, const std::vector<pollfd>& polled) noexcept;
  static void take_listener(guard& g);
  static std::optional<int> look(guard& g, const std::vector<pollfd>& polled);

  std::unordered_map<std::uint32_t, guard> guards_;
};

}  // namespace workit::workers
