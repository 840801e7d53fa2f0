// Errors with causes, and long ones, that cross a boundary.
#include "victims.hpp"

namespace workit::test {
namespace {

void read_row() { throw std::out_of_range("row 7"); }
void load_model() {
  try {
    read_row();
  } catch (...) {
    std::throw_with_nested(std::runtime_error("the model cannot be read"));
  }
}
int answer_query() {
  try {
    load_model();
  } catch (...) {
    std::throw_with_nested(std::logic_error("the query failed"));
  }
  return 0;
}

class NestedErrors : public worker_test {
 protected:
  /// That with which a call ends.
  template <class F, class... A>
  static remote_error of(scope& s, F fn, A... args) {
    try {
      offload({}, fn, args...)(s);
    } catch (const remote_error& e) {
      return e;
    }
    ADD_FAILURE() << "it did not throw";
    return {"", ""};
  }
};

TEST_F(NestedErrors, ArriveWithTheirCausesFromAWorker) {
  rt_->run([](scope& s) {
    for (const auto& e : {of(s, answer_query), of(s, [](context&) { answer_query(); })}) {
      EXPECT_EQ(e.type(), "std::logic_error");
      EXPECT_EQ(e.message(), "the query failed");
      ASSERT_EQ(e.causes().size(), 2U);
      EXPECT_EQ(e.causes()[0].type, "std::runtime_error");
      EXPECT_EQ(e.causes()[0].message, "the model cannot be read");
      EXPECT_EQ(e.causes()[1].type, "std::out_of_range");
      EXPECT_EQ(e.causes()[1].message, "row 7");
      EXPECT_STREQ(e.what(),
                   "std::logic_error: the query failed; caused by std::runtime_error: the model cannot be read; caused "
                   "by std::out_of_range: row 7");
    }
    EXPECT_TRUE(of(s, read_row).causes().empty()) << "the control";
  });
}

TEST_F(NestedErrors, AreThemselvesWithinTheProcess) {
  runtime rt({}, arena({.threads = 1}));
  rt.run([](scope& s) {
    try {
      offload({.boundary = boundary::cooperative}, answer_query)(s);
      ADD_FAILURE();
    } catch (const std::logic_error& e) {
      EXPECT_THROW(std::rethrow_if_nested(e), std::runtime_error);
    }
  });
}

TEST_F(NestedErrors, OfAPreloadAreInItsSentence) {
  try {
    runtime rt({}, processes({.workers = 1, .preload = [] { load_model(); }}));
    ADD_FAILURE();
  } catch (const start_failed& e) {
    EXPECT_NE(std::string(e.what()).find("preload threw std::runtime_error: the model cannot be read; caused by "
                                         "std::out_of_range: row 7"),
              std::string::npos)
        << e.what();
  }
}

TEST_F(NestedErrors, SayWhereTheirTextIsCut) {
  constexpr auto longest = std::size_t{15'360};
  const auto fail = [](std::size_t size) { throw std::runtime_error(std::string(size, 'x')); };
  const auto fail_nested = [](std::size_t size) {
    try {
      throw std::runtime_error(std::string(size, 'x'));
    } catch (...) {
      std::throw_with_nested(std::logic_error(std::string(size, 'y')));
    }
  };
  const std::string mark = "... (cut: 1000000 bytes in all)";
  rt_->run([&](scope& s) {
    EXPECT_EQ(of(s, fail, longest).message(), std::string(longest, 'x')) << "the control";
    const auto cut = of(s, fail, std::size_t{1'000'000}).message();
    EXPECT_EQ(cut, std::string(longest - mark.size(), 'x') + mark);
    const auto both = of(s, fail_nested, std::size_t{1'000'000});
    EXPECT_TRUE(both.message().ends_with(mark));
    ASSERT_EQ(both.causes().size(), 1U);
    EXPECT_TRUE(both.causes()[0].message.ends_with(mark));
    EXPECT_EQ(both.causes()[0].type, "std::runtime_error");
  });
}

}  // namespace
}  // namespace workit::test
