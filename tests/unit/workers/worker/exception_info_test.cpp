// Exceptions as text.
#include <gtest/gtest.h>

#include <exception>
#include <exception_info.hpp>
#include <future>
#include <stdexcept>
#include <system_error>

namespace workit::workers {
namespace {

/// Of what `act` throws.
template <class F>
std::vector<exception_text> thrown_by(F act) {
  try {
    act();
  } catch (...) {
    return describe_current_exception();
  }
  return {};
}

template <class E>
exception_text info_of(E thrown) {
  const auto all = thrown_by([&] { throw thrown; });
  EXPECT_EQ(all.size(), 1U) << "it has no cause";
  return all.front();
}

TEST(ExceptionInfo, NamesTypeAndText) {
  const auto info = info_of(std::out_of_range("far"));
  EXPECT_EQ(info.type, "std::out_of_range");
  EXPECT_EQ(info.message, "far");
}

TEST(ExceptionInfo, TakesStringsAsTheirOwnText) {
  EXPECT_EQ(info_of(std::string("a string")).message, "a string");
  EXPECT_EQ(info_of("characters").message, "characters");
  EXPECT_EQ(info_of(static_cast<const char*>(nullptr)).message, "");
}

TEST(ExceptionInfo, SaysThatOthersHaveNone) {
  const auto info = info_of(42);
  EXPECT_EQ(info.type, "int");
  EXPECT_EQ(info.message, "it does not derive from std::exception");
}

TEST(ExceptionInfo, HasWhatStandardErrorsSayOfTheirCode) {
  const auto code = info_of(std::system_error(ENOENT, std::generic_category(), "model.bin"));
  EXPECT_EQ(code.type, "std::system_error");
  EXPECT_EQ(code.message, "model.bin: No such file or directory");
  const auto promise = info_of(std::future_error(std::future_errc::broken_promise));
  EXPECT_EQ(promise.type, "std::future_error");
  EXPECT_EQ(promise.message, "std::future_error: Broken promise");
}

struct no_standard_error {};
struct own_error : std::runtime_error, std::nested_exception {
  using std::runtime_error::runtime_error;
};
template <class T>
struct error_of_type : std::logic_error {
  error_of_type() : logic_error("generic") {}
};

/// Throws `outer` while `inner` is handled.
template <class F, class E>
void nest(F inner, E outer) {
  try {
    inner();
  } catch (...) {
    std::throw_with_nested(outer);
  }
}

std::string joined(const std::vector<exception_text>& all) {
  std::string text;
  for (const auto& one : all) text += one.type + "=" + one.message + "\n";
  return text;
}

TEST(ExceptionInfo, NamesNestedExceptionsByTheTypesThatWereMeant) {
  const auto all = thrown_by([] {
    nest([] { nest([] { nest([] { throw 42; }, no_standard_error()); }, error_of_type<std::vector<int>>()); },
         std::runtime_error("outermost"));
  });
  EXPECT_EQ(joined(all),
            "std::runtime_error=outermost\n"
            "workit::workers::(anonymous namespace)::error_of_type<std::vector<int, std::allocator<int> > >=generic\n"
            "workit::workers::(anonymous namespace)::no_standard_error=it does not derive from std::exception\n"
            "int=it does not derive from std::exception\n");
}

TEST(ExceptionInfo, KeepsTheNameOfATypeThatNestsByItself) {
  const auto all = thrown_by([] {
    try {
      throw std::out_of_range("far");
    } catch (...) {
      throw own_error("own");
    }
  });
  EXPECT_EQ(joined(all), "workit::workers::(anonymous namespace)::own_error=own\nstd::out_of_range=far\n");
  EXPECT_EQ(joined(thrown_by([] { throw own_error("own"); })),
            "workit::workers::(anonymous namespace)::own_error=own\n")
      << "the control: nothing is nested";
}

TEST(ExceptionInfo, HasTheErrorsOfAnAggregate) {
  const auto all = thrown_by([] {
    throw aggregate_error("both failed", {std::make_exception_ptr(std::out_of_range("a")), std::make_exception_ptr(7)});
  });
  EXPECT_EQ(joined(all),
            "workit::aggregate_error=both failed\nstd::out_of_range=a\nint=it does not derive from std::exception\n");
}

void nest_deeply(int levels) {
  if (levels == 0) throw std::runtime_error("0");
  nest([&] { nest_deeply(levels - 1); }, std::runtime_error(std::to_string(levels)));
}

TEST(ExceptionInfo, SaysThatFurtherCausesAreCut) {
  EXPECT_EQ(thrown_by([] { nest_deeply(16); }).back().message, "0") << "the control";
  const auto all = thrown_by([] { nest_deeply(17); });
  EXPECT_EQ(all.size(), 17U);
  EXPECT_EQ(all.back().message, "1 (further causes are cut)");
}

TEST(ExceptionInfo, IsOneSentenceToo) {
  try {
    nest_deeply(1);
  } catch (...) {
    EXPECT_EQ(sentence_of_current_exception(), "std::runtime_error: 1; caused by std::runtime_error: 0");
  }
}

}  // namespace
}  // namespace workit::workers
