// violation_watch: seccomp_unotify(2). Refuses benign calls and does not answer the others.
#include "violation_watch.hpp"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>

#include "benign_syscall.hpp"
#include "messages.hpp"

namespace workit::workers {
namespace {

/// The kernel fills in its own idea of the structure, which may be longer than ours.
union announcement {
  seccomp_notif notif;
  char room[512];
};

}  // namespace

void violation_watch::add(std::uint32_t worker, unique_fd channel) {
  guards_.emplace(worker, guard{.channel = std::move(channel), .listener = {}});
}

void violation_watch::append_to(std::vector<pollfd>& wanted) const {
  for (const auto& [worker, g] : guards_)
    if (!g.done) wanted.push_back({g.descriptor(), POLLIN, 0});
}

short violation_watch::events_of(const guard& g, const std::vector<pollfd>& polled) noexcept {
  const auto found =
      std::find_if(polled.begin(), polled.end(), [&](const pollfd& p) { return p.fd == g.descriptor(); });
  return found == polled.end() ? short{0} : found->revents;
}

void violation_watch::take_listener(guard& g) {
  message m;
  std::vector<unique_fd> descriptors;
  const auto got = receive(g.channel.get(), m, descriptors);
  if (got == transfer::again) return;
  if (got == transfer::done && descriptors.size() == 1) g.listener = std::move(descriptors.front());
  g.done = !g.listener;  // it died, or the packet was not its first
  g.channel.reset();
}

void violation_watch::take(const std::vector<pollfd>& polled, const report& to) {
  std::vector<std::pair<std::uint32_t, int>> heard;
  for (auto& [worker, g] : guards_)
    if (const auto call = look(g, polled)) heard.emplace_back(worker, *call);
  for (const auto& [worker, call] : heard) to(worker, call);  // may forget some
}

std::optional<int> violation_watch::look(guard& g, const std::vector<pollfd>& polled) {
  const auto events = g.done ? short{0} : events_of(g, polled);
  if (events == 0) return std::nullopt;
  if (!g.listener) {
    take_listener(g);
    return std::nullopt;
  }
  g.done = (events & POLLIN) == 0;  // the last of its threads is gone
  if (g.done) return std::nullopt;
  announcement heard{};
  if (::ioctl(g.listener.get(), SECCOMP_IOCTL_NOTIF_RECV, &heard.notif) != 0) {
    g.done = errno != EINTR && errno != ENOENT;  // ENOENT: interrupted by a signal; it will be announced again
    return std::nullopt;
  }
  if (is_benign(heard.notif)) {
    seccomp_notif_resp refused{};
    refused.id = heard.notif.id;  // without effect if the caller has died since
    refused.error = -EACCES;
    ::ioctl(g.listener.get(), SECCOMP_IOCTL_NOTIF_SEND, &refused);
    return std::nullopt;
  }
  g.done = true;
  return heard.notif.data.arch == AUDIT_ARCH_X86_64 ? heard.notif.data.nr : -1;
}

}  // namespace workit::workers
