// zygote_roles: which group serves, which follows, and when one is forgotten.
#include <gtest/gtest.h>

#include "pool_parts.hpp"

namespace workit::test {
namespace {

using role = zygote_roles::role;

class ZygoteRoles : public testing::Test {
 protected:
  zygote_roles zygotes_;
  ending_table table_;
  const std::shared_ptr<zygote_group> old_ = make_group();
  const std::shared_ptr<zygote_group> fresh_ = make_group();
};

TEST_F(ZygoteRoles, TheNextOneServesOncePromotedAndTheOldOneIsRetired) {
  zygotes_.add(old_, role::serving);
  zygotes_.add(fresh_, role::next);
  EXPECT_TRUE(zygotes_.is_serving(*old_) && zygotes_.is_next(*fresh_));
  EXPECT_FALSE(zygotes_.is_retired(*old_) || zygotes_.is_retired(*fresh_));
  EXPECT_EQ(zygotes_.promote_next(), old_);
  EXPECT_TRUE(zygotes_.is_serving(*fresh_) && fresh_->serves);
  EXPECT_EQ(zygotes_.next(), nullptr);
  EXPECT_TRUE(zygotes_.is_retired(*old_));
  EXPECT_EQ(zygotes_.all().size(), 2U) << "its workers may have tasks";
}

TEST_F(ZygoteRoles, AReloadMayPromoteWhenNoneServes) {
  zygotes_.add(fresh_, role::next);
  EXPECT_EQ(zygotes_.promote_next(), nullptr);
  EXPECT_EQ(zygotes_.serving(), fresh_);
}

TEST_F(ZygoteRoles, HasAWorkerWhenTheServingGroupHas) {
  EXPECT_FALSE(zygotes_.has_worker());
  zygotes_.add(old_, role::serving);
  zygotes_.add(fresh_, role::next);
  add_idle(table_, fresh_);
  EXPECT_FALSE(zygotes_.has_worker() || zygotes_.has_idle_worker());
  const auto starting = add_worker(table_, old_);
  EXPECT_TRUE(zygotes_.has_worker());
  EXPECT_FALSE(zygotes_.has_idle_worker());
  table_.enter(starting, worker_state::idle);
  EXPECT_TRUE(zygotes_.has_idle_worker());
}

TEST_F(ZygoteRoles, DismissesARetiredGroupWithItsLastTask) {
  auto [link, zygote] = make_link();
  old_->link = std::move(link);
  old_->ready = true;
  zygotes_.add(old_, role::serving);
  zygotes_.dismiss_if_done(*old_);
  EXPECT_FALSE(old_->dismissed) << "it serves";
  const auto worker = add_idle(table_, old_);
  table_.give(worker, make_job("a"));
  zygotes_.drop_serving();
  zygotes_.dismiss_if_done(*old_);
  EXPECT_FALSE(old_->dismissed) << "one of its workers has a task";
  table_.lose(worker);
  zygotes_.dismiss_if_done(*old_);
  EXPECT_TRUE(old_->dismissed);
  EXPECT_EQ(zygote.next().kind, message_kind::quit);
}

TEST_F(ZygoteRoles, TellsAZygoteOnceToQuit) {
  auto [link, zygote] = make_link();
  old_->link = std::move(link);
  old_->ready = true;
  old_->dismiss();
  old_->dismiss();
  EXPECT_EQ(zygote.next().kind, message_kind::quit);
  EXPECT_EQ(zygote.next().kind, message_kind::pong) << "and no more";
}

TEST_F(ZygoteRoles, ForgetsAGroupOnceItsZygoteIsClearedAndItsWorkersAreLost) {
  zygotes_.add(old_, role::serving);
  const auto worker = add_idle(table_, old_);
  zygotes_.drop_serving();
  old_->cleared = true;
  zygotes_.forget_if_over(*old_);
  EXPECT_EQ(zygotes_.all().size(), 1U);
  table_.lose(worker);
  old_->cleared = false;
  zygotes_.forget_if_over(*old_);
  EXPECT_EQ(zygotes_.all().size(), 1U);
  EXPECT_FALSE(zygotes_.are_all_cleared());
  old_->cleared = true;
  EXPECT_TRUE(zygotes_.are_all_cleared());
  zygotes_.forget_if_over(*old_);
  EXPECT_TRUE(zygotes_.all().empty());
}

}  // namespace
}  // namespace workit::test
