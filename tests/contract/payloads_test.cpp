// Values of every size travel both ways, and the memory that they took is kept for a while and given back.
#include <sys/stat.h>

#include <filesystem>
#include <numeric>
#include <random>
#include <support/seed.hpp>

#include "victims.hpp"

namespace workit::test {
namespace {

class Payloads : public runtime_test {};

/// The numbers that came, each one more, and `more` further ones.
std::vector<std::uint32_t> changed(std::vector<std::uint32_t> numbers, std::size_t more) {
  for (auto& n : numbers) ++n;
  const auto first = static_cast<std::uint32_t>(numbers.size());
  for (std::size_t i = 0; i < more; ++i) numbers.push_back(first + static_cast<std::uint32_t>(i));
  return numbers;
}

/// Bytes that the workers of this process share with it.
std::size_t shared_with_workers() {
  std::size_t all = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry.path(), gone).string().find("workit-worker") == std::string::npos) continue;
    struct stat about {};
    if (::stat(entry.path().c_str(), &about) == 0) all += static_cast<std::size_t>(about.st_blocks) * 512;
  }
  return all;
}

TEST_F(Payloads, OfEverySizeArriveWholeBothWays) {
  std::mt19937_64 random(seed());
  runtime rt({}, processes({.workers = 2, .payload_memory = std::size_t{8} << 20}));
  rt.run([&](scope& s) {
    const auto draw = [&] { return random() % (std::size_t{1} << random() % 22); };
    for (int round = 0; round < 300; ++round) {
      std::vector<std::uint32_t> numbers(draw());
      for (auto& n : numbers) n = static_cast<std::uint32_t>(random());
      const auto more = draw();
      const auto got = offload(changed, numbers, more)(s);
      ASSERT_EQ(got, changed(numbers, more)) << numbers.size() << " numbers and " << more << " more, round " << round;
    }
  });
}

TEST_F(Payloads, OfATaskThatFailsHalfWayLeaveNothingInTheNext) {
  runtime rt({}, processes({.workers = 1, .spares = 0}));
  const auto throws = [](const std::vector<std::uint32_t>& numbers) -> std::vector<std::uint32_t> {
    throw std::out_of_range(std::to_string(numbers.size()));
  };
  const std::vector<std::uint32_t> many(100'000, 7);
  rt.run([&](scope& s) {
    for (int round = 0; round < 20; ++round) {
      try {
        offload(throws, many)(s);
        FAIL() << "it has a value";
      } catch (const remote_error& e) {
        EXPECT_EQ(e.message(), "100000");
      }
      EXPECT_EQ(offload(changed, many, 1)(s), changed(many, 1));
    }
  });
}

TEST_F(Payloads, AreKeptInMemoryForTheNextCallAndGivenBackWhenThereIsNone) {
  constexpr std::size_t large = 32 << 20, few = 1 << 20;
  const std::vector<std::byte> payload(large, std::byte{1});
  const auto size = [](const std::vector<std::byte>& bytes) { return bytes.size(); };
  runtime rt({}, processes({.workers = 1, .spares = 0}),
             processes({.name = "lean", .workers = 1, .payload_memory = 0}));
  rt.run([&](scope& s) { EXPECT_EQ(offload({.pool = "lean"}, size, payload)(s), large); });
  EXPECT_LT(shared_with_workers(), few) << "the control: a pool that keeps nothing";
  rt.run([&](scope& s) { EXPECT_EQ(offload(size, payload)(s), large); });
  EXPECT_GE(shared_with_workers(), large);
  for (int tries = 0; tries < 3'000 && shared_with_workers() > few; ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_LT(shared_with_workers(), few);
  rt.run([&](scope& s) { EXPECT_EQ(offload(size, payload)(s), large); });  // and it serves again
}

}  // namespace
}  // namespace workit::test
