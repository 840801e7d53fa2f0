// The victim of the self-test, on a thread that is cancelled.
#include <gtest/gtest.h>
#include <pthread.h>

#include <self_test.hpp>
#include <thread>

namespace workit::workers {
namespace {

TEST(SelfTest, CountsInItsBlockForEver) {
  static control_block block;
  set_self_test_block(block);
  pthread_t victim{};
  ASSERT_EQ(::pthread_create(
                &victim, nullptr,
                [](void*) -> void* {
                  ::pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr);
                  wire_reader arguments({});
                  wire_writer result;
                  spin_on_beat(arguments, result);
                  return nullptr;
                },
                nullptr),
            0);
  while (block.beat.load() < 1000) std::this_thread::yield();
  ::pthread_cancel(victim);
  void* how = nullptr;
  ::pthread_join(victim, &how);
  EXPECT_EQ(how, PTHREAD_CANCELED) << "it returned";
}

}  // namespace
}  // namespace workit::workers
