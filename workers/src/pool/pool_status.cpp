// render_pool: the numbers of a pool for people.
#include <workit/workers/pool_status.hpp>

#include <algorithm>

#include <workit/base/detail/number_text.hpp>

namespace workit::workers {
namespace {

std::string amount_of(duration d) {
  const auto us = std::chrono::duration<double, std::micro>(d).count();
  if (us < 1'000) return workit::detail::number_text(us, 3) + " us";
  if (us < 1'000'000) return workit::detail::number_text(us / 1'000, 3) + " ms";
  return workit::detail::number_text(us / 1'000'000, 3) + " s";
}

void add_line(std::string& text, const char* what, const log2_histogram& h) {
  if (h.count() == 0) return;
  text += std::string("  ") + what + ": " + std::to_string(h.count()) + ", p50 " + amount_of(h.percentile(50)) +
          ", p99 " + amount_of(h.percentile(99)) + ", largest " + amount_of(h.largest()) + "\n";
}

template <std::size_t... Kind>
void add_stops(std::string& text, const stops_by_reason& stops, std::index_sequence<Kind...>) {
  const auto add = [&](std::uint64_t n, const cancel_reason& why) {
    if (n != 0) text += "  stopped, " + std::string(kind_of(why)) + ": " + std::to_string(n) + "\n";
  };
  (add(stops.of_kind()[Kind], std::variant_alternative_t<Kind, reason::any>{}), ...);
}

}  // namespace

std::string render_pool(const std::string& name, const pool_status& s) {
  const auto n = [](auto count) { return std::to_string(count); };
  std::string text = name;
  // Names are the program's; what could steer a terminal is not shown (as render_tree does).
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  text += ": " + n(s.busy) + " busy, " + n(s.idle) + " idle (" + n(s.spares) + " spare), " + n(s.starting) +
          " starting, " + n(s.unreclaimed) + " dying; " + n(s.started) + " started, " + n(s.killed) + " killed, " +
          n(s.crashed) + " crashed, " + n(s.recycled) + " recycled, " + n(s.shrunk) + " let go\n";
  text += "  queue: " + n(s.queued) + ", " + n(s.waiting) + " before it, the longest since " +
          amount_of(s.longest_wait) + ", " + n(s.refused) + " refused\n";
  if (s.zygote_failures != 0)
    text += "  zygotes: " + n(s.zygotes) + " started, " + n(s.zygote_failures) + " failures\n";
  add_stops(text, s.stops, std::make_index_sequence<stops_by_reason::kinds>());
  add_line(text, "queue wait", s.queue_wait);
  add_line(text, "stop latency", s.stop_latency);
  add_line(text, "reclaim latency", s.reclaim_latency);
  add_line(text, "capacity restore", s.capacity_restore);
  return text;
}

}  // namespace workit::workers
