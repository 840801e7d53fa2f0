// Files of the bench: what is read, what is refused and how rounds are joined.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <support/temporary_directory.hpp>

#include "synthetic_run.hpp"

namespace workit::bench_report {
namespace {

using nlohmann::json;
using workit::test::temporary_directory;

json a_series(const std::string& name, json samples = {1.5, 2.5}) {
  return {{"name", name}, {"unit", "us"}, {"tags", {{"subject", "stop"}}}, {"floor", "floor/x"}, {"samples", samples}};
}

json a_round(json series) {
  return {{"format", "workit-bench/1"},
          {"machine", {{"cpu", "AMD"}, {"cpus", 2}, {"kernel", "6.1"}, {"compiler", "GCC"}, {"build", "Release"}}},
          {"series", std::move(series)},
          {"skipped", {{{"name", "peer/pebble"}, {"why", "not installed"}}}}};
}

class RunFile : public ::testing::Test {
 protected:
  std::filesystem::path file(const std::string& name, const json& content) {
    const auto path = folder_.path() / name;
    std::ofstream(path) << content.dump();
    return path;
  }
  template <class F>
  static std::string refusal(F&& f) {
    try {
      f();
    } catch (const bad_input& error) {
      return error.what();
    }
    return "accepted";
  }
  std::string refusal_of(const json& content) {
    return refusal([&] { static_cast<void>(read_run(file("bad.json", content))); });
  }

 private:
  temporary_directory folder_;
};

TEST_F(RunFile, JoinsEachFileThatHasASeriesAsARound) {
  const auto first = file("1.json", a_round({a_series("a"), a_series("b")}));
  const auto second = file("2.json", a_round({a_series("c")}));
  const auto third = file("3.json", a_round({a_series("a", {3})}));
  const run r = merge({first, second, third});
  EXPECT_EQ(r.find("a")->rounds, (std::vector<std::vector<double>>{{1.5, 2.5}, {3}}));
  EXPECT_EQ(r.find("c")->rounds.size(), 1u);
  EXPECT_EQ(r.machines.size(), 3u);
  EXPECT_EQ(r.skipped.size(), 1u) << "said once, however often it was";
  EXPECT_EQ(r.why_absent("peer/pebble/next_task"), "not installed");
  EXPECT_NE(r.why_absent("peer/pebbles/next_task"), "not installed");
}

TEST_F(RunFile, ReadsWhatItWrote) {
  const run r = merge({file("1.json", a_round({a_series("a")})), file("2.json", a_round({a_series("a", {9})}))});
  const auto written = file("run.json", nullptr);
  write_run(r, written);
  const run again = read_run(written);
  EXPECT_EQ(again.find("a")->rounds, r.find("a")->rounds);
  EXPECT_EQ(again.find("a")->floor, "floor/x");
  EXPECT_EQ(again.find("a")->tag("subject"), "stop");
  EXPECT_EQ(again.machines.size(), 2u);
  EXPECT_EQ(again.skipped, r.skipped);
}

TEST_F(RunFile, RefusesWhatIsNotARound) {
  EXPECT_NE(refusal_of({{"format", "workit-bench/2"}}).find("its format is \"workit-bench/2\"; allowed"),
            std::string::npos);
  EXPECT_NE(refusal_of(json::array()).find("not stated"), std::string::npos);
  EXPECT_NE(refusal_of(a_round({a_series("a"), a_series("a")})).find("the series \"a\" twice"), std::string::npos);
  EXPECT_NE(refusal_of(a_round({a_series("a", json::array())})).find("series \"a\": has no samples"),
            std::string::npos);
  EXPECT_NE(refusal_of(a_round({a_series("a", {1, nullptr})})).find("sample 2 is null"), std::string::npos);
  json furlongs = a_series("a");
  furlongs["unit"] = "furlong";
  EXPECT_NE(refusal_of(a_round({furlongs})).find("unit is \"furlong\"; allowed: ns, us, B, items/s"),
            std::string::npos);
  EXPECT_NE(refusal([] { static_cast<void>(read_run("/nowhere")); }).find("/nowhere: No such file"), std::string::npos);
  EXPECT_EQ(refusal_of(a_round({a_series("a")})), "accepted");
}

TEST_F(RunFile, RefusesToJoinWhatDiffers) {
  json other_unit = a_series("a"), other_floor = a_series("a");
  other_unit["unit"] = "ns";
  other_floor["floor"] = "floor/y";
  const auto first = file("1.json", a_round({a_series("a")}));
  const auto joined = [&](const json& with) {
    const auto second = file("2.json", a_round({with}));
    return refusal([&] { static_cast<void>(merge({first, second})); });
  };
  EXPECT_NE(joined(other_unit).find("series \"a\" is in us in " + first.string()), std::string::npos);
  EXPECT_NE(joined(other_floor).find("has the floor \"floor/x\" in"), std::string::npos);
  EXPECT_EQ(joined(a_series("a")), "accepted");
}

}  // namespace
}  // namespace workit::bench_report
