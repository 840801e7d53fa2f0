// How values travel, and how a reader treats frames that are not genuine.
#include <gtest/gtest.h>

#include <cereal/types/map.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <limits>
#include <random>
#include <workit/workers/cereal.hpp>
#include <workit/workers/wire.hpp>

namespace workit {
namespace {

enum class colour : short { red = 1, green = -7 };
enum class answer : bool { no, yes };
struct point {
  double x = 0, y = 0;
  friend bool operator==(const point&, const point&) = default;
};
struct document {
  std::string title;
  std::vector<float> scores;
  std::map<std::string, int> counts;
  bool read = false;
  friend bool operator==(const document&, const document&) = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(title, scores, counts, read);
  }
};
struct tree {
  int value = 0;
  std::vector<tree> children;
};
struct silent {};
/// A class that nobody has taught to travel.
class unknown {
  int x_ = 0;
};
struct plain_line {
  point from, to;
  const int width = 1;
  std::vector<point> by;
  std::optional<std::string> name;
  std::array<int, 3> dashes{};
  std::variant<int, std::string> colour;
  bool closed = false;
  friend bool operator==(const plain_line&, const plain_line&) = default;
};
struct plain_drawing {
  std::map<std::string, plain_line> lines;
  silent nothing;
  std::pair<plain_line, int> first;
};
struct empty_aggregate {
  friend bool operator==(const empty_aggregate&, const empty_aggregate&) = default;
};
struct sixteen_members {
  int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p;
  friend bool operator==(const sixteen_members&, const sixteen_members&) = default;
};
struct seventeen_members {
  int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q;
};
struct with_pointer {
  int* x;
};
struct with_reference {
  int& x;
};
struct with_array {
  int before, x[3];
};
struct with_base : empty_aggregate {
  int x;
};
struct with_view_inside {
  std::vector<std::string_view> views;
};

}  // namespace

template <>
struct wire<point> {
  static void write(wire_writer& to, const point& p) {
    to.write(p.x);
    to.write(p.y);
  }
  static point read(wire_reader& from) { return {from.read<double>(), from.read<double>()}; }
};
template <>
struct wire<document> : cereal_wire<document> {};
template <>
struct wire<silent> {
  static void write(wire_writer&, const silent&) {}
  static silent read(wire_reader&) { return {}; }
};
template <>
struct wire<tree> {
  static void write(wire_writer& to, const tree& t) {
    to.write(t.value);
    to.write(t.children);
  }
  static tree read(wire_reader& from) { return {from.read<int>(), from.read<std::vector<tree>>()}; }
};

namespace {

static_assert(travels<int> && travels<bool> && travels<colour> && travels<std::byte> && travels<long double>);
static_assert(travels<std::string> && travels<std::vector<std::string>> && travels<std::vector<bool>>);
static_assert(travels<std::map<std::string, std::vector<float>>> && travels<std::optional<point>>);
static_assert(travels<std::variant<int, std::string, std::monostate>> && travels<std::tuple<>>);
static_assert(travels<std::chrono::milliseconds> && travels<std::array<float, 3>> && travels<tree>);
static_assert(!travels<int*> && !travels<const char*> && !travels<void*> && !travels<std::nullptr_t>);
static_assert(!travels<int&> && !travels<const int&> && !travels<int[3]> && !travels<void (*)()>);
static_assert(!travels<std::string_view> && !travels<std::span<int>> && !travels<std::span<const int, 3>>);
static_assert(!travels<std::reference_wrapper<int>> && !travels<std::function<void()>>);
static_assert(!travels<std::unique_ptr<int>> && !travels<std::shared_ptr<int>> && !travels<std::weak_ptr<int>>);
static_assert(!travels<std::vector<int*>> && !travels<std::map<int, std::string_view>> && !travels<unknown>);
static_assert(travels<plain_line> && travels<std::vector<plain_drawing>> && travels<sixteen_members>);
static_assert(!travels<seventeen_members> && !travels<with_pointer> && !travels<with_reference>);
static_assert(!travels<with_array> && !travels<with_base> && !travels<with_view_inside>);
static_assert(!travels<std::pair<int, unknown>> && !travels<std::optional<std::unique_ptr<int>>>);
static_assert(!travels<std::variant<int, int*>> && !travels<std::tuple<int, std::span<int>>>);

template <class T>
bytes encode(const T& value) {
  wire_writer to;
  to.write(value);
  return to.take();
}
template <class T>
T decode(const bytes& frame) {
  wire_reader from(frame);
  T value = from.read<T>();
  from.finish();
  return value;
}
template <class T>
void expect_round_trip(const T& value) {
  EXPECT_EQ(decode<T>(encode(value)), value);
}

TEST(Wire, CarriesScalars) {
  expect_round_trip(42);
  expect_round_trip(std::numeric_limits<std::int64_t>::min());
  expect_round_trip('x');
  expect_round_trip(true);
  expect_round_trip(2.5f);
  expect_round_trip(colour::green);
  expect_round_trip(answer::yes);
  expect_round_trip(std::byte{7});
}

TEST(Wire, CarriesContainers) {
  expect_round_trip(std::string("with a \0 in it", 14));
  expect_round_trip(std::u16string(u"wide"));
  expect_round_trip(std::vector<float>{1, 2, 3});
  expect_round_trip(std::vector<std::string>{"a", "", "c"});
  expect_round_trip(std::vector<bool>{true, false, true});
  expect_round_trip(std::array<int, 3>{1, 2, 3});
  expect_round_trip(std::array<std::string, 2>{"a", "b"});
  expect_round_trip(std::array<int, 0>{});
  expect_round_trip(std::pair<int, std::string>{1, "x"});
  expect_round_trip(std::tuple<int, std::string, double>{1, "x", 2.0});
  expect_round_trip(std::tuple<>{});
  expect_round_trip(std::optional<std::string>{"x"});
  expect_round_trip(std::optional<std::string>{});
  expect_round_trip(std::variant<int, std::string, std::monostate>{"x"});
  expect_round_trip(std::variant<int, std::string, std::monostate>{std::monostate{}});
  expect_round_trip(std::map<std::string, std::vector<int>>{{"a", {1}}, {"b", {}}});
  expect_round_trip(std::unordered_map<int, std::string>{{1, "a"}, {2, "b"}});
  expect_round_trip(std::set<std::string>{"a", "b"});
  expect_round_trip(std::unordered_set<int>{1, 2});
  expect_round_trip(std::vector<std::monostate>(5));
  expect_round_trip(std::chrono::milliseconds(17));
  expect_round_trip(std::chrono::steady_clock::now());
}

TEST(Wire, CarriesWhatOptsIn) {
  expect_round_trip(point{1, 2});
  expect_round_trip(std::vector<point>{{1, 2}, {3, 4}});
  expect_round_trip(document{"t", {1, 2}, {{"a", 1}}, true});
  expect_round_trip(std::vector<document>(3, document{"t", {1, 2}, {{"a", 1}}, true}));
}

TEST(Wire, CarriesAggregatesMemberByMember) {
  const plain_line line{{1, 2}, {3, 4}, 5, {{6, 7}}, "n", {1, 2, 3}, "red", true};
  expect_round_trip(line);
  expect_round_trip(std::vector<plain_line>{line, {}});
  expect_round_trip(empty_aggregate{});
  expect_round_trip(sixteen_members{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
  const auto drawing = decode<plain_drawing>([&] {
    wire_writer to;
    to.write(plain_drawing{{{"a", line}}, {}, {line, 7}});
    return to.take();
  }());
  EXPECT_EQ(drawing.lines.at("a"), line);
  EXPECT_EQ(drawing.first, std::pair(line, 7));
}

TEST(Wire, HoldsTheMembersOfAnAggregateAgainstTheFrame) {
  const auto whole = encode(plain_line{{1, 2}, {3, 4}, 5, {}, "x", {}, {}, false});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    bytes cut = whole;
    cut.resize(size);
    EXPECT_THROW(decode<plain_line>(cut), wire_error) << size;
  }
  EXPECT_THROW(decode<empty_aggregate>(encode('x')), wire_error);
}

TEST(Wire, ContiguousRangesTakeOneCopyOfTheirBytes) {
  EXPECT_EQ(encode(std::vector<float>(1000)).size(), 8 + 1 + 3 + 4000) << "with its length, and padding";
  EXPECT_EQ(encode(std::array<double, 10>{}).size(), 80);
}

TEST(Wire, ContiguousRangesArriveWhereverTheyStandAndTheirFrameLies) {
  using line = std::tuple<std::string, std::vector<double>, char, std::vector<std::uint16_t>, std::u32string>;
  for (std::size_t before = 0; before < 20; ++before) {
    const line sent{std::string(before, 'x'), {1.5, -2.5}, 'c', {7, 8, 9}, U"abc"};
    const auto frame = encode(sent);
    for (std::size_t shift = 0; shift < 9; ++shift) {  // a frame within another may begin anywhere
      std::vector<std::byte> moved(shift + frame.size());
      std::ranges::copy(frame, moved.begin() + static_cast<std::ptrdiff_t>(shift));
      wire_reader from(std::span<const std::byte>(moved).subspan(shift));
      EXPECT_EQ(from.read<line>(), sent) << before << " before, shifted by " << shift;
      from.finish();
    }
  }
}

TEST(Wire, LargeValuesLieAlignedInTheirFrame) {
  wire_writer to;
  to.write('c');
  to.write(std::vector<double>{1, 2});
  const auto frame = to.take();
  wire_reader from(frame);
  ASSERT_EQ(from.read<char>(), 'c');
  ASSERT_EQ(from.count(sizeof(double)), 2U);
  const auto raw = from.take_aligned(2 * sizeof(double));
  EXPECT_EQ(static_cast<std::size_t>(raw.data() - frame.data()) % alignof(double), 0U);
}

TEST(Wire, RefusesAPaddingThatCannotBe) {
  wire_writer to;
  to.write_count(0);
  to.write(static_cast<unsigned char>(16));
  to.append(std::array<std::byte, 16>{}.data(), 16);
  EXPECT_THROW(decode<std::vector<int>>(to.take()), wire_error);
}

TEST(Wire, AFrameBeginsInTheMemoryThatItIsGivenAndLeavesItWhenItNeedsMore) {
  std::array<std::byte, 128> memory{};
  const auto place = std::span(memory).first(64);
  wire_writer to;
  to.begin_in(place);
  to.write(std::string(20, 'a'));
  EXPECT_EQ(to.frame().data(), place.data());
  to.write(std::string(50, 'b'));
  EXPECT_NE(to.frame().data(), place.data());
  EXPECT_TRUE(std::ranges::all_of(memory.begin() + 64, memory.end(), [](auto b) { return b == std::byte{}; }))
      << "it is not written beyond";
  const auto frame = to.take();
  wire_reader from(frame);
  EXPECT_EQ(from.read<std::string>(), std::string(20, 'a'));
  EXPECT_EQ(from.read<std::string>(), std::string(50, 'b'));
}

TEST(Wire, RefusesAValueThatWritesNothing) { EXPECT_THROW(encode(std::vector<silent>(2)), wire_error); }

TEST(Wire, RefusesNestingThatCouldOverflowTheStack) {
  tree root;
  auto* leaf = &root;
  for (int i = 0; i < 1000; ++i) leaf = &leaf->children.emplace_back();
  EXPECT_THROW(encode(root), wire_error);
  wire_writer hostile;
  for (int i = 0; i < 100'000; ++i) {
    hostile.write(0);
    hostile.write_count(1);
  }
  EXPECT_THROW(decode<tree>(hostile.take()), wire_error);
}

TEST(Wire, ALengthIsHeldAgainstWhatIsLeftBeforeAnythingIsAllocated) {
  wire_writer huge;
  huge.write_count(std::numeric_limits<std::size_t>::max());
  const auto frame = huge.take();
  EXPECT_THROW(decode<std::string>(frame), wire_error);
  EXPECT_THROW(decode<std::vector<double>>(frame), wire_error);
  EXPECT_THROW(decode<std::vector<std::string>>(frame), wire_error);
  EXPECT_THROW((decode<std::map<int, int>>(frame)), wire_error);
  EXPECT_THROW(decode<std::vector<std::monostate>>(frame), wire_error);
  wire_writer in_cereal;
  in_cereal.write(std::byte{1});
  in_cereal.write_count(std::numeric_limits<std::size_t>::max() / 2);
  EXPECT_THROW(decode<document>(in_cereal.take()), wire_error);
}

TEST(Wire, RefusesFramesThatSayWhatCannotBe) {
  EXPECT_THROW(decode<bool>(encode('\2')), wire_error);
  EXPECT_THROW(decode<answer>(encode('\2')), wire_error);
  EXPECT_THROW((decode<std::variant<int, char>>(encode(std::uint32_t{2}))), wire_error);
  EXPECT_THROW(decode<int>(encode(1LL)), wire_error);  // too long
  EXPECT_THROW(decode<long long>(encode(1)), wire_error);
  EXPECT_THROW(decode<std::set<int>>(encode(std::vector<int>{1, 1})), wire_error);
  EXPECT_THROW(decode<std::monostate>(encode('\1')), wire_error);
}

using everything = std::tuple<std::vector<std::string>, std::map<std::string, std::vector<float>>,
                              std::optional<std::variant<int, document, std::vector<bool>>>, std::unordered_set<int>,
                              std::vector<std::pair<point, std::array<short, 3>>>>;

TEST(Wire, SurvivesRandomAndDamagedFrames) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const everything value{{"a", "bc"}, {{"k", {1, 2}}}, document{"t", {1}, {{"a", 1}}, true}, {1, 2}, {{{1, 2}, {3}}}};
  const bytes good = encode(value);
  EXPECT_EQ(decode<everything>(good), value);
  int refused = 0;
  for (int trial = 0; trial < 20'000; ++trial) {
    bytes frame = good;
    if (trial % 2 == 0) {  // noise
      frame.resize(random() % 200);
      for (auto& b : frame) b = std::byte(random() % (trial % 4 == 0 ? 256 : 4));
    } else {  // a good one, with some bytes changed, cut or added
      for (auto n = random() % 4; n > 0; --n) frame[random() % frame.size()] = std::byte(random());
      frame.resize(frame.size() - random() % 8);
      if (random() % 3 == 0) frame.append("xyz", random() % 4);
    }
    try {
      static_cast<void>(decode<everything>(frame));
    } catch (const wire_error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 10'000);
}

}  // namespace
}  // namespace workit
