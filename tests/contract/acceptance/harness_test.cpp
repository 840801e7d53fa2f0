// The fixture itself: the control arm of its checks, a part that is not stopped.
#include "acceptance.hpp"

namespace workit::test {
namespace {

class ScenarioFixture : public acceptance {};

TEST_P(ScenarioFixture, ControlArmAPartThatIsNotStoppedComesToItsEndOnceItIsLetOut) {
  run_scenario([](scenario_fixture& fixture) {
    auto& slow = fixture.make_part();
    fixture.run([&](scope& s) {
      auto t = s.spawn(slow.body());
      slow.await(s);
      EXPECT_EQ(slow.live(), 1);
      EXPECT_EQ(slow.ended(), 0);
      const auto seen = machine::now();
      if (!fixture.is_fiber())
        while (slow.last_moved() <= seen) s.sleep_for(1ms);
      fixture.let_out();
      EXPECT_EQ(t.get(), 42);
      EXPECT_EQ(slow.ended(), 1);
    });
  });
}

INSTANTIATE_TEST_SUITE_P(On, ScenarioFixture, every_boundary(), name_of);

}  // namespace
}  // namespace workit::test
