// weights: reading tensors, and saying what is wrong with a model's files.
#include "search/weights.hpp"

#include <gtest/gtest.h>

#include <array>
#include <stdexcept>
#include <string>
#include <type_traits>

#include <support/temporary_directory.hpp>
#include "expect_error.hpp"

namespace {

using chat::weights;
using chat::test::expect_error;
using workit::test::temporary_directory;

static_assert(!std::is_copy_constructible_v<weights>, "tensors point into their weights");

const std::string manifest = R"({"weightsManifest": [{"paths": ["shard1"], "weights": [
  {"name": "steps", "shape": [2], "dtype": "int32"},
  {"name": "table", "shape": [2, 3], "dtype": "float32"},
  {"name": "factor", "shape": [], "dtype": "float32"}]}]})";

/// Two int32, then the floats 1 to 7.
std::string shard() {
  const std::array<int, 2> steps{11, 12};
  const std::array<float, 7> numbers{1, 2, 3, 4, 5, 6, 7};
  return std::string(reinterpret_cast<const char*>(steps.data()), sizeof steps) +
         std::string(reinterpret_cast<const char*>(numbers.data()), sizeof numbers);
}

TEST(Weights, FindsEachTensorByNameWithItsShapeAndNumbers) {
  const temporary_directory folder;
  folder.write("shard1", shard());
  const weights loaded(folder.write("model.json", manifest));
  EXPECT_EQ(loaded.at("table").shape, (std::vector<std::size_t>{2, 3}));
  EXPECT_EQ(loaded.at("table").data[0], 1);
  EXPECT_EQ(loaded.at("table").data[5], 6);
  EXPECT_TRUE(loaded.at("factor").shape.empty());
  EXPECT_EQ(*loaded.at("factor").data, 7);
}

TEST(Weights, NamesTheTensorThatIsMissing) {
  const temporary_directory folder;
  folder.write("shard1", shard());
  const weights loaded(folder.write("model.json", manifest));
  expect_error<std::runtime_error>([&] { (void)loaded.at("tabel"); }, "model.json", "tabel");
  expect_error<std::runtime_error>([&] { (void)loaded.at("steps"); }, "no float tensor named steps");
}

TEST(Weights, NamesTheShapeThatIsWrongBesideTheExpectedOne) {
  const temporary_directory folder;
  folder.write("shard1", shard());
  const weights loaded(folder.write("model.json", manifest));
  const std::array<std::size_t, 2> right{2, 3};
  const std::array<std::size_t, 2> transposed{3, 2};
  EXPECT_EQ(loaded.at("table", right), loaded.at("table").data);
  expect_error<std::runtime_error>([&] { (void)loaded.at("table", transposed); }, "table", "has shape [2 x 3]",
                                   "expected [3 x 2]");
}

TEST(Weights, SaysWhichFileIsMissing) {
  const temporary_directory folder;
  expect_error<std::runtime_error>([&] { weights(folder.path() / "model.json"); }, "cannot open",
                                   (folder.path() / "model.json").string());
  folder.write("model.json", manifest);
  expect_error<std::runtime_error>([&] { weights(folder.path() / "model.json"); }, "cannot open",
                                   (folder.path() / "shard1").string());
}

TEST(Weights, SaysWhichShardHasTheWrongSizeWithBothSizes) {
  const temporary_directory folder;
  folder.write("model.json", manifest);
  folder.write("shard1", shard().substr(0, 20));
  expect_error<std::runtime_error>([&] { weights(folder.path() / "model.json"); }, "shard1", "has 20 bytes",
                                   "expected 36");
  folder.write("shard1", shard() + "x");
  expect_error<std::runtime_error>([&] { weights(folder.path() / "model.json"); }, "shard1", "has 37 bytes",
                                   "expected 36");
}

TEST(Weights, BlamesTheTruncatedShardAndNotTheLast) {
  const temporary_directory folder;
  const std::size_t full = 4 * 1024 * 1024;
  folder.write("shard1", std::string(full - 4, '\0'));
  folder.write("shard2", std::string(400, '\0'));
  const auto model = folder.write("model.json", R"({"weightsManifest": [{"paths": ["shard1", "shard2"], "weights": [
      {"name": "long", "shape": [1048676], "dtype": "float32"}]}]})");
  expect_error<std::runtime_error>([&] { weights{model}; }, "shard1", "has 4194300 bytes", "expected 4194304");
  folder.write("shard1", std::string(full, '\0'));
  EXPECT_EQ(weights(model).at("long").shape[0], 1048676U);
}

TEST(Weights, RefusesAFileThatIsNoManifest) {
  const temporary_directory folder;
  folder.write("shard1", shard());
  const auto load = [&](const char* text) { weights loaded(folder.write("model.json", text)); };
  expect_error<std::runtime_error>([&] { load("not json"); }, "model.json", "is not JSON");
  expect_error<std::runtime_error>([&] { load(""); }, "model.json", "is not JSON");
  expect_error<std::runtime_error>([&] { load("[]"); }, "model.json", "no tfjs weights manifest");
  expect_error<std::runtime_error>([&] { load(R"({"weightsManifest": [{"paths": ["shard1"]}]})"); }, "model.json");
  expect_error<std::runtime_error>(
      [&] {
        load(R"({"weightsManifest": [{"paths": [], "weights": [
      {"name": "table", "shape": [9], "dtype": "float32"}]}]})");
      },
      "lists 0 shards, expected 1");
}

TEST(Weights, RefusesNumbersItCannotRead) {
  const temporary_directory folder;
  folder.write("shard1", shard());
  const auto load = [&](const std::string& weight) {
    weights loaded(
        folder.write("model.json", R"({"weightsManifest": [{"paths": ["shard1"], "weights": [)" + weight + "]}]}"));
  };
  expect_error<std::runtime_error>([&] { load(R"({"name": "t", "shape": [9], "dtype": "uint8"})"); },
                                   "tensor t is uint8");
  expect_error<std::runtime_error>(
      [&] { load(R"({"name": "t", "shape": [9], "dtype": "float32", "quantization": {"dtype": "uint8"}})"); },
      "quantized");
  expect_error<std::runtime_error>(
      [&] { load(R"({"name": "t", "shape": [4294967296, 4294967296, 4], "dtype": "float32"})"); }, "impossible shape");
  expect_error<std::runtime_error>([&] { load(R"({"name": "t", "shape": [-9], "dtype": "float32"})"); },
                                   "impossible shape");
}

}  // namespace
