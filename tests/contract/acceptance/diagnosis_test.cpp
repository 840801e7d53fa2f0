// A live scope in which work behind the boundary was killed or has crashed says so.
#include <workit/status/diagnose.hpp>
#include "acceptance.hpp"

namespace workit::test {
namespace {

class DiagnosisOfWorkers : public acceptance {
 protected:
  static std::vector<std::string> codes_of(const diagnosis& d) {
    std::vector<std::string> codes;
    for (const auto& f : d.findings) codes.emplace_back(to_string(f.code));
    return codes;
  }
};

TEST_P(DiagnosisOfWorkers, FindsAKilledWorkerACrashedOneAndAPoolThatIsNotWhole) {
  run_scenario([](scenario_fixture& fixture) {
    auto& slow = fixture.make_part();
    fixture.run([&](scope& s) {
      offload({}, [] {})(s);
      EXPECT_EQ(diagnose(s.status()).status, diagnosis_status::ok) << "the control arm";
      auto t = s.spawn({.background = true}, slow.body());
      slow.await(s);
      t.cancel("enough");
      t.wait();
      fixture.returned();
      EXPECT_EQ(codes_of(diagnose(s.status())), std::vector<std::string>{"worker_killed"});
      s.spawn({.background = true}, offload({}, [] { raise(SIGSEGV); })).wait();
      const std::array pools{pool_capacity{.pool = "default", .wanted = 2, .ready = 1}};
      auto found = codes_of(diagnose(s.status(), {.capacity = pools}));
      std::sort(found.begin(), found.end());
      EXPECT_EQ(found, (std::vector<std::string>{"capacity_degraded", "worker_crashed", "worker_killed"}));
    });
    fixture.outlast();
  });
}

INSTANTIATE_TEST_SUITE_P(On, DiagnosisOfWorkers, by_workers(), name_of);

}  // namespace
}  // namespace workit::test
