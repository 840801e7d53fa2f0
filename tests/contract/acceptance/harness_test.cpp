// The stage itself: what it says of parts that were stopped, it would say otherwise of those that were not.
#include "acceptance.hpp"

namespace workit::test {
namespace {

class AcceptanceStage : public acceptance {};

TEST_P(AcceptanceStage, ControlArmAPartThatNobodyStopsComesToItsEndOnceItIsLetOut) {
  play([](stage& on) {
    auto& slow = on.make_part("part", on.is_fiber() ? natural_end : std::chrono::milliseconds(1h));
    on.run([&](scope& s) {
      auto t = s.spawn(slow.body());
      slow.await(s);
      EXPECT_EQ(slow.live(), 1);
      EXPECT_EQ(slow.ended(), 0);
      const auto seen = machine::now();
      if (!on.is_fiber())
        while (slow.last_moved() <= seen) s.sleep_for(1ms);
      on.let_out();
      EXPECT_EQ(t.get(), 42);
      EXPECT_EQ(slow.ended(), 1);
    });
  });
}

INSTANTIATE_TEST_SUITE_P(On, AcceptanceStage, every_boundary(), name_of);

}  // namespace
}  // namespace workit::test
