// life_mutex: waits for the death of its owner.
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <csignal>
#include <latch>
#include <string>
#include <support/descriptor_balance.hpp>
#include <support/spinning_child.hpp>
#include <thread>
#include <vector>
#include <workit/preempt/life_mutex.hpp>
#include <workit/preempt/warden.hpp>

#include "doomed_host_page.hpp"
#include "life_page.hpp"

namespace workit::test {
namespace {

using preempt::life_mutex;
using ending = life_mutex::ending;

static_assert(!std::is_copy_constructible_v<life_mutex>);

class LifeMutex : public descriptor_balance {};

TEST_F(LifeMutex, TellsEveryWaiterOfTheDeathOfItsOwner) {
  life_page lives(1);
  std::latch held(1), die(1), waiting(3);
  std::thread owner([&] {
    lives[0].hold();
    held.count_down();
    die.wait();
  });
  held.wait();
  EXPECT_FALSE(preempt::owner_died(lives[0].word()));
  std::atomic<int> told{0};
  std::vector<std::thread> mourners;
  for (int i = 0; i < 3; ++i)
    mourners.emplace_back([&] {
      waiting.count_down();
      if (lives[0].wait_for_death() == ending::died) ++told;
    });
  waiting.wait();
  die.count_down();
  owner.join();
  for (auto& mourner : mourners) mourner.join();
  EXPECT_EQ(told, 3);
  EXPECT_EQ(lives[0].wait_for_death(), ending::died) << "a later caller is told, too";
}

TEST_F(LifeMutex, TellsACleanEndFromADeath) {
  life_page lives(1);
  lives[0].hold();
  lives[0].release();
  EXPECT_EQ(lives[0].wait_for_death(), ending::released);
  EXPECT_FALSE(preempt::owner_died(lives[0].word()));
}

TEST_F(LifeMutex, ServesOneOwner) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        life_page lives(1);
        std::thread([&] { lives[0].hold(); }).join();
        lives[0].hold();
      },
      "it serves one owner, once");
  EXPECT_DEATH(
      {
        life_page lives(1);
        lives[0].release();
      },
      "released by a thread that does not hold it|"
      "unlock of an unlocked mutex");  // ThreadSanitizer looks before the kernel does, and stops there
}

TEST_F(LifeMutex, TheWardenHoldsTheHostsAsSoonAsItExists) {
  preempt::warden warden;
  const auto place = warden.host_life();
  const preempt::host_life_view seen(place.descriptor(), place.offset());
  ASSERT_NE(seen.mutex(), nullptr);
  EXPECT_NE(*seen.mutex()->word(), 0u);
}

// A host of its own, whose child waits for the host's death.
class HostLife : public descriptor_balance {
 protected:
  HostLife() : file_(memfd_create("doomed-host", 0)) {
    if (ftruncate(file_, sizeof(doomed_host_page)) != 0) ADD_FAILURE();
    page_ =
        new (mmap(nullptr, sizeof(doomed_host_page), PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0)) doomed_host_page;
    prctl(PR_SET_CHILD_SUBREAPER, 1);  // the mourner outlives its parent: it is ours to reap
    std::string program = WORKIT_DOOMED_HOST, role = "host", file = std::to_string(file_);
    char* arguments[] = {program.data(), role.data(), file.data(), nullptr};
    EXPECT_EQ(posix_spawn(&host_, program.c_str(), nullptr, nullptr, arguments, environ), 0);
    wait_until([this] { return page_->mourning.load(); });
  }
  ~HostLife() override {
    while (waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
    }
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    munmap(page_, sizeof *page_);
    close(file_);
  }
  news wait_for_news() {
    wait_until([this] { return page_->heard != news::none; });
    return page_->heard;
  }

  int file_;
  doomed_host_page* page_;
  pid_t host_ = 0;
};

TEST_F(HostLife, AChildLearnsThatItsHostWasKilled) {
  EXPECT_EQ(page_->heard, news::none) << "the host is alive";
  kill(host_, SIGKILL);
  EXPECT_EQ(wait_for_news(), news::died);
}

TEST_F(HostLife, AChildLearnsThatItsHostHasEndedCleanly) {
  page_->end = true;
  EXPECT_EQ(wait_for_news(), news::released);
}

}  // namespace
}  // namespace workit::test
