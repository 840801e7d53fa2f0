// How channels close: normally, for a reason, with an error.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <support/fixture.hpp>
#include <support/refused.hpp>
#include <utility>
#include <vector>
#include <workit/scope/runtime.hpp>
#include <workit/wait/channel.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class ChannelClose : public test::runtime_test {};

std::vector<int> receive_rest(const channel<int>& values) {
  std::vector<int> got;
  while (const auto value = values.receive()) got.push_back(*value);
  return got;
}

TEST_F(ChannelClose, DeliversWhatWasSentBeforeItClosed) {
  manual_runtime rt;
  rt.run([](scope&) {
    const channel<int> values({.capacity = 3});
    for (int i = 1; i <= 3; ++i) values.send(i);
    EXPECT_TRUE(values.close());
    EXPECT_EQ(receive_rest(values), (std::vector{1, 2, 3}));
    EXPECT_EQ(values.receive(), std::nullopt) << "and stays at its end";
  });
}

TEST_F(ChannelClose, RefusesToSendOnceItIsClosed) {
  const channel<int> values({.name = "rows"});
  values.close();
  try {
    values.send(1);
    ADD_FAILURE();
  } catch (const channel_closed& e) {
    EXPECT_STREQ(e.what(), "channel \"rows\" is closed");
    EXPECT_FALSE(e.why());
    EXPECT_EQ(e.cause(), nullptr);
  }
  EXPECT_THROW(static_cast<void>(values.try_send(1)), channel_closed);
}

TEST_F(ChannelClose, TellsAWaitingSenderWhyItWasClosed) {
  manual_runtime rt;
  rt.run([](scope& s) {
    const channel<int> values({.name = "rows"});
    values.send(1);
    auto sender = s.spawn({.background = true}, [values] { values.send(2); });
    s.sleep_for(1s);
    values.close("shutdown");
    try {
      sender.get();
      ADD_FAILURE();
    } catch (const channel_closed& e) {
      EXPECT_STREQ(e.what(), "channel \"rows\" is closed: manual: shutdown");
      EXPECT_EQ(std::get<reason::manual>(e.why().value()).tag, "shutdown");
    }
    EXPECT_EQ(receive_rest(values), std::vector{1}) << "what was refused must not come out, what was sent must";
  });
}

TEST_F(ChannelClose, LetsAllWaitingReceiversGoWhenItCloses) {
  manual_runtime rt;
  int ended = 0;
  rt.run([&](scope& s) {
    const channel<int> values;
    for (int i = 0; i < 3; ++i)
      s.spawn([&, values](context&) {
        EXPECT_EQ(values.receive(), std::nullopt);
        ++ended;
      });
    s.sleep_for(1s);
    EXPECT_EQ(ended, 0);
    values.close();
  });
  EXPECT_EQ(ended, 3);
}

TEST_F(ChannelClose, KeepsTheFirstOfManyCloses) {
  const channel<int> values;
  EXPECT_TRUE(values.close("first"));
  EXPECT_FALSE(values.close("second"));
  EXPECT_FALSE(values.close(std::make_exception_ptr(std::runtime_error("third"))));
  EXPECT_FALSE(values.close());
  try {
    values.send(1);
    ADD_FAILURE();
  } catch (const channel_closed& e) {
    EXPECT_EQ(std::get<reason::manual>(e.why().value()).tag, "first");
  }
  const channel<int> in_peace;
  in_peace.close();
  EXPECT_FALSE(in_peace.close("too late"));
  EXPECT_EQ(in_peace.error(), nullptr);
}

// Where an iteration over two values ended, and by what.
template <class Close>
std::pair<std::vector<int>, std::string> iterate(Close close) {
  const channel<int> values({.capacity = 2, .name = "rows"});
  values.send(1);
  values.send(2);
  close(values);
  std::pair<std::vector<int>, std::string> seen;
  try {
    for (const int value : values) seen.first.push_back(value);
    seen.second = "clean";
  } catch (const std::exception& e) {
    seen.second = e.what();
  }
  return seen;
}

TEST_F(ChannelClose, ShowsAnErrorToAnIterationAfterTheValues) {
  const std::vector<int> both{1, 2};
  EXPECT_EQ(iterate([](auto& c) { c.close(std::make_exception_ptr(std::runtime_error("provider died"))); }),
            std::pair(both, std::string("provider died")));
  EXPECT_EQ(iterate([](auto& c) { c.close(reason::user{"enough"}); }),
            std::pair(both, std::string("channel \"rows\" is closed: user: enough")));
  EXPECT_EQ(iterate([](auto& c) { c.close(); }), std::pair(both, std::string("clean")));
}

TEST_F(ChannelClose, ShowsAnErrorToAnIterationThatWaits) {
  manual_runtime rt;
  rt.run([](scope& s) {
    const channel<int> values;
    auto reader = s.spawn({.background = true}, [values] {
      for ([[maybe_unused]] const int value : values) ADD_FAILURE();
    });
    s.sleep_for(1s);
    values.close(std::make_exception_ptr(std::out_of_range("late")));
    EXPECT_THROW(reader.get(), std::out_of_range);
    EXPECT_THROW(values.send(1), channel_closed) << "a sender always learns that it is closed";
    EXPECT_NE(values.error(), nullptr);
    EXPECT_EQ(values.receive(), std::nullopt);
  });
}

TEST_F(ChannelClose, WithNoErrorAtAllIsRefused) {
  const channel<int> values;
  EXPECT_REFUSED(values.close(std::current_exception()), "closed with an error that is null");
  EXPECT_FALSE(values.closed());
}

}  // namespace
}  // namespace workit
