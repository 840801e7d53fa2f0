// The work of the soak.
#include "soak_kinds.hpp"

#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <string>
#include <vector>

namespace workit::soak {
namespace {

constexpr std::size_t big = 4 << 20;

int spin_for_ever() {
  for (volatile unsigned n = 0;;) n = n + 1;
}

int allocate_for_ever() {
  for (std::vector<std::vector<char>> blocks;;) {
    blocks.emplace_back(1 + blocks.size() * 37 % 20'000, 'x');
    if (blocks.size() > 1000) blocks.clear();
  }
}

std::vector<std::uint32_t> make_big(std::uint32_t first) {
  std::vector<std::uint32_t> numbers(big / sizeof(std::uint32_t));
  for (auto& n : numbers) n = first++;
  return numbers;
}
bool is_whole(const std::vector<std::uint32_t>& numbers, std::uint32_t first) {
  for (const auto n : numbers)
    if (n != first++) return false;
  return numbers.size() == big / sizeof(std::uint32_t);
}

/// Cancels after up to `delay_us`, and counts how it ended. `check` sees the value.
template <class T, class Check>
void stop_and_count(scope& s, task<T> work, std::uint64_t delay_us, tally& counts, Check check) {
  s.sleep_for(std::chrono::microseconds(delay_us));
  work.cancel("soak");
  auto ended = work.result();
  if (ended.is_error()) std::rethrow_exception(ended.error());
  if (ended.has_value()) {
    if (!check(std::move(ended).value())) throw std::logic_error("a task that was stopped has a value, or a torn one");
    ++counts.values;
    return;
  }
  const auto stops = work.receipt().stops;
  const bool killed = !stops.empty() && stops.at(0).method == stop_method::killed;
  if (killed && stops.at(0).proof == stop_proof::none) throw std::logic_error("a stop has no proof");
  ++(killed ? counts.killed : counts.withdrawn);
}

void expect_crash(scope& s, int (*how)(), int signal, tally& counts) {
  try {
    offload({}, how)(s);
    throw std::logic_error("a crash has a value");
  } catch (const worker_crashed& e) {
    if (e.signal() != signal) throw std::logic_error("a crash of signal " + std::to_string(e.signal()));
    ++counts.crashed;
  }
}

}  // namespace

void run_one(scope& s, kind what, std::mt19937_64& random, tally& counts) {
  ++counts.begun;
  const task_options background{.background = true};
  switch (what) {
    case kind::spin:
      return stop_and_count(s, s.spawn(background, offload({}, spin_for_ever)), 200 + random() % 1500, counts,
                            [](int) { return false; });
    case kind::storm:
      return stop_and_count(s, s.spawn(background, offload({}, allocate_for_ever)), 200 + random() % 1500, counts,
                            [](int) { return false; });
    case kind::big_result: {
      const auto first = static_cast<std::uint32_t>(random());
      return stop_and_count(s, s.spawn(background, offload({}, make_big, first)), random() % 8000, counts,
                            [&](const auto& numbers) { return is_whole(numbers, first); });
    }
    case kind::crash:
      return expect_crash(
          s, [] { return raise(SIGSEGV); }, SIGSEGV, counts);
    case kind::exit:
      return expect_crash(
          s, []() -> int { _exit(0); }, 0, counts);
    case kind::value: {
      const int x = static_cast<int>(random() % 1000);
      if (offload(
              {}, [](int y) { return y + 1; }, x)(s) != x + 1)
        throw std::logic_error("a wrong value");
      ++counts.values;
    }
  }
}

}  // namespace workit::soak
