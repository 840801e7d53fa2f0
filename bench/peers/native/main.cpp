// workit_bench_peers: measures one of the native peers and prints the round: workit_bench_peers PEER SAMPLES SECONDS
// MIB.
#include <charconv>
#include <cstring>
#include <exception>
#include <iostream>
#include <string_view>

#include "stops.hpp"

namespace {

struct {
  std::string_view name;
  void (*measure)(peers::round&, peers::extent);
} constexpr all[] = {
    {"pthread_cancel", peers::pthread_cancel_asynchronous},
    {"jthread_token", peers::jthread_asking_its_token},
    {"jthread_ignoring", peers::jthread_ignoring_its_token},
    {"fork_sigkill", peers::fork_and_sigkill},
};

/// A whole number from 1 to a million; 0 stands for all else.
int count(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole && value > 0 && value <= 1'000'000 ? value : 0;
}

int misuse(int argc, char** argv) {
  std::cerr << "workit_bench_peers got '";
  for (int i = 1; i < argc; ++i) std::cerr << (i > 1 ? " " : "") << argv[i];
  std::cerr << "'; allowed: SAMPLES, SECONDS and MIB (of the largest victim), from 1 to 1000000, after one of";
  for (const auto& peer : all) std::cerr << ' ' << peer.name;
  std::cerr << '\n';
  return 2;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 5) return misuse(argc, argv);
  const peers::extent much{.samples = count(argv[2]), .seconds = count(argv[3]), .largest_mib = count(argv[4])};
  if (much.samples == 0 || much.seconds == 0 || much.largest_mib == 0) return misuse(argc, argv);
  for (const auto& peer : all) {
    if (peer.name != argv[1]) continue;
    peers::round round;
    peer.measure(round, much);
    round.write(std::cout);
    return 0;
  }
  return misuse(argc, argv);
} catch (const std::exception& error) {
  std::cerr << "workit_bench_peers: " << error.what() << '\n';
  return 1;
}
