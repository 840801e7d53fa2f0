// The named float tensors of a tfjs graph model.
#include "search/weights.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "search/json_file.hpp"

namespace chat {
namespace {

static_assert(std::endian::native == std::endian::little && sizeof(float) == 4,
              "shards are little-endian fp32 and are read in place");

constexpr std::size_t bytes_per_number = 4;           // fp32 and int32 alike
constexpr std::size_t shard_bytes = 4 * 1024 * 1024;  // the converter's weight_shard_size_bytes
constexpr std::size_t most_numbers = std::size_t{1} << 34;

std::string describe(std::span<const std::size_t> shape) {
  std::string text = "[";
  for (const std::size_t extent : shape) text += (text.size() > 1 ? " x " : "") + std::to_string(extent);
  return text + "]";
}

/// Bounded, so that a damaged manifest cannot wrap the product round.
std::size_t count_of(const std::string& name, std::span<const std::size_t> shape) {
  std::size_t count = 1;
  for (const std::size_t extent : shape) {
    if (extent != 0 && count > most_numbers / extent)
      throw std::runtime_error("tensor " + name + " has an impossible shape " + describe(shape));
    count *= extent;
  }
  return count;
}

struct entry {
  std::string name;
  std::vector<std::size_t> shape;
  std::size_t count;
  bool is_float;
};

entry read_entry(const nlohmann::json& weight) {
  entry e;
  e.name = weight.at("name").get<std::string>();
  e.shape = weight.at("shape").get<std::vector<std::size_t>>();
  e.count = count_of(e.name, e.shape);
  const std::string type = weight.at("dtype").get<std::string>();
  if ((type != "float32" && type != "int32") || weight.contains("quantization"))
    throw std::runtime_error("tensor " + e.name + " is " + type +
                             " or quantized: only plain float32 and int32 are read");
  e.is_float = type == "float32";
  return e;
}

void read_shard(const std::filesystem::path& file, std::span<float> target) {
  std::error_code failure;
  const auto given = std::filesystem::file_size(file, failure);
  if (failure) throw std::runtime_error("cannot open " + file.string() + ": " + failure.message());
  if (given != target.size_bytes())
    throw std::runtime_error(file.string() + " has " + std::to_string(given) + " bytes, expected " +
                             std::to_string(target.size_bytes()));
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot open " + file.string() + ": " + std::strerror(errno));
  in.read(reinterpret_cast<char*>(target.data()), static_cast<std::streamsize>(target.size_bytes()));
  if (!in) throw std::runtime_error("cannot read " + file.string());
}

void read_shards(const std::filesystem::path& model_json, const std::vector<std::string>& paths,
                 std::span<float> target) {
  const std::size_t numbers_per_shard = shard_bytes / bytes_per_number;
  const std::size_t expected = (target.size() + numbers_per_shard - 1) / numbers_per_shard;
  if (paths.size() != expected)
    throw std::runtime_error(model_json.string() + " lists " + std::to_string(paths.size()) + " shards, expected " +
                             std::to_string(expected) + " for " + std::to_string(target.size_bytes()) + " bytes");
  for (const std::string& path : paths) {
    const auto shard = target.first(std::min(numbers_per_shard, target.size()));
    read_shard(model_json.parent_path() / path, shard);
    target = target.subspan(shard.size());
  }
}

}  // namespace

weights::weights(const std::filesystem::path& model_json) : source_(model_json) {
  struct group {
    std::vector<std::string> paths;
    std::vector<entry> entries;
    std::size_t count = 0;
  };
  std::vector<group> groups;
  std::size_t total = 0;
  const nlohmann::json model = read_json(model_json);
  try {
    for (const auto& listed : model.at("weightsManifest")) {
      group& g = groups.emplace_back();
      g.paths = listed.at("paths").get<std::vector<std::string>>();
      for (const auto& weight : listed.at("weights")) g.count += g.entries.emplace_back(read_entry(weight)).count;
      total += g.count;
    }
  } catch (const nlohmann::json::exception& error) {
    throw std::runtime_error(model_json.string() + " has no tfjs weights manifest: " + error.what());
  }

  numbers_.resize(total);
  std::size_t offset = 0;
  for (group& g : groups) {
    read_shards(model_json, g.paths, std::span(numbers_).subspan(offset, g.count));
    for (entry& e : g.entries) {
      if (e.is_float) tensors_[e.name] = {std::move(e.shape), numbers_.data() + offset};
      offset += e.count;
    }
  }
}

const tensor& weights::at(std::string_view name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end())
    throw std::runtime_error(source_.string() + " has no float tensor named " + std::string(name));
  return found->second;
}

const float* weights::at(std::string_view name, std::span<const std::size_t> shape) const {
  const tensor& found = at(name);
  if (!std::ranges::equal(found.shape, shape))
    throw std::runtime_error("tensor " + std::string(name) + " of " + source_.string() + " has shape " +
                             describe(found.shape) + ", expected " + describe(shape));
  return found.data;
}

}  // namespace chat
