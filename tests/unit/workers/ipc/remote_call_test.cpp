// Functions by name, and calls as bytes.
#include <gtest/gtest.h>

#include <dlfcn.h>
#include <numeric>
#include <workit/workers/detail/remote_call.hpp>

namespace workit::workers {
namespace {

int add(int a, int b) { return a + b; }
int add_fast(int a, int b) noexcept { return a + b; }
double total(const std::vector<double>& v) { return std::accumulate(v.begin(), v.end(), 0.0); }
std::string take(std::string&& s) { return std::move(s) + "!"; }
const std::string& longest(const std::string& a, const std::string& b) { return a.size() > b.size() ? a : b; }
void nothing_at_all() {}
struct generic {
  template <class T>
  T operator()(const T& v) const {
    return v;
  }
};

static_assert(std::is_same_v<result_of<decltype(add), int, int>, int>);
static_assert(std::is_same_v<result_of<decltype(&add_fast), int, int>, int>);
static_assert(std::is_same_v<result_of<decltype(nothing_at_all)>, void>);
static_assert(std::is_same_v<result_of<decltype(longest), std::string, std::string>, std::string>);
static_assert(std::is_same_v<result_of<generic, const std::string&>, std::string>);

/// What a worker does.
template <class R>
R run(const remote_call& call) {
  const auto entry = reinterpret_cast<trampoline>(find_function(call.entry).value());
  wire_reader from(call.arguments);
  wire_writer to;
  entry(from, to);
  return read_result<R>({to.frame(), {}});
}

TEST(FunctionId, LeadsBackToTheFunction) {
  const auto id = id_of(add);
  EXPECT_TRUE(id);
  EXPECT_EQ(find_function(id), reinterpret_cast<any_function>(&add));
  EXPECT_NE(id_of(add), id_of(add_fast));
}

TEST(FunctionId, NamesFunctionsOfSharedLibraries) {
  const auto f = reinterpret_cast<any_function>(dlsym(RTLD_DEFAULT, "pthread_create"));
  ASSERT_NE(f, nullptr);
  const auto id = id_of(f);
  EXPECT_NE(id.module, id_of(add).module);
  EXPECT_EQ(find_function(id), f);
}

TEST(FunctionId, RefusesWhatIsNotCode) {
  static int data = 0;
  EXPECT_THROW(static_cast<void>(id_of(reinterpret_cast<any_function>(&data))), start_failed);
  EXPECT_THROW(static_cast<void>(id_of(reinterpret_cast<any_function>(std::uintptr_t{16}))), start_failed);
  auto id = id_of(add);
  id.offset = std::uint64_t{1} << 40;
  EXPECT_FALSE(find_function(id));
  id = id_of(add);
  id.module.build[3] ^= 1;
  EXPECT_FALSE(find_function(id));
  EXPECT_FALSE(find_function({}));
}

TEST(RemoteCall, CallsFunctionsPointersAndCapturelessLambdas) {
  EXPECT_EQ(run<int>(make_remote_call(add, 1, 2)), 3);
  EXPECT_EQ(run<int>(make_remote_call(&add, 1, 2)), 3);
  EXPECT_EQ(run<int>(make_remote_call(add_fast, 1, 2)), 3);
  EXPECT_EQ(run<int>(make_remote_call([](int a) { return a * 2; }, 21)), 42);
  EXPECT_EQ(run<int>(make_remote_call([]() noexcept { return 7; })), 7);
  EXPECT_EQ(run<int>(make_remote_call([](auto a, auto b) { return a + b; }, 1, 2)), 3);
  EXPECT_EQ(run<std::string>(make_remote_call(generic{}, std::string("x"))), "x");
  EXPECT_NO_THROW(run<void>(make_remote_call(nothing_at_all)));
}

TEST(RemoteCall, ConvertsArgumentsAtTheCallSite) {
  const short a = 1;
  EXPECT_EQ(run<int>(make_remote_call(add, a, 2L)), 3);
  EXPECT_EQ(run<std::string>(make_remote_call(take, "literal")), "literal!");
  std::vector<double> v{1, 2, 3};
  EXPECT_EQ(run<double>(make_remote_call(total, v)), 6.0);
}

TEST(RemoteCall, CopiesWhatAFunctionReturnsByReference) {
  EXPECT_EQ(run<std::string>(make_remote_call(longest, "ab", "c")), "ab");
}

bytes changeable(const remote_call& call) {
  bytes frame;
  frame.append(call.arguments.data(), call.arguments.size());
  return frame;
}

TEST(RemoteCall, ReportsAFunctionWhoseModuleIsNotThere) {
  auto call = make_remote_call(add, 1, 2);
  auto frame = changeable(call);
  frame[0] ^= std::byte{1};  // the build-id in front
  call.arguments = std::move(frame);
  EXPECT_THROW(run<int>(call), unknown_function);
}

TEST(RemoteCall, RefusesArgumentsOfAnotherCall) {
  auto call = make_remote_call([](int a) { return a; }, 1);
  auto frame = changeable(call);
  frame.append("", 1);
  call.arguments = frame;
  EXPECT_THROW(run<int>(call), wire_error);
  frame.resize(2);
  call.arguments = frame;
  EXPECT_THROW(run<int>(call), wire_error);
}

TEST(RemoteCall, SharesWhatItCarriesWithItsCopies) {
  const auto call = make_remote_call([](const std::string& text) { return text.size(); }, std::string(1000, 'x'));
  const auto copy = call;
  EXPECT_EQ(copy.arguments.data(), call.arguments.data());
  EXPECT_EQ(run<std::size_t>(copy), 1000U);
}

}  // namespace
}  // namespace workit::workers
