// The named float tensors of a tfjs graph model.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chat {

/// A dense row-major tensor of fp32 numbers that live in its `weights`. An empty shape is one number.
struct tensor {
  std::vector<std::size_t> shape;
  const float* data = nullptr;
};

/// Loads a tfjs model.json with the shards beside it.
///
/// Requires: little-endian fp32 shards without quantization, of 4 MiB each but the last, as the tfjs converter writes.
/// Guarantees: every byte of the shards belongs to a tensor of the manifest. int32 constants of the graph are left out.
/// Threads: any, it is immutable.
class weights {
 public:
  /// Blocks: for the read of all shards.
  /// Errors: std::runtime_error that names the file: missing, of the wrong size (given and expected), not a manifest.
  explicit weights(const std::filesystem::path& model_json);

  weights(const weights&) = delete;
  weights& operator=(const weights&) = delete;

  /// The tensor of that name.
  /// Lifetime: until the weights are destroyed.
  /// Errors: std::runtime_error that names the tensor.
  [[nodiscard]] const tensor& at(std::string_view name) const;

  /// The numbers of the tensor of that name, which has to have exactly that shape.
  /// Lifetime: until the weights are destroyed.
  /// Errors: std::runtime_error that names the tensor, its shape and the one expected.
  [[nodiscard]] const float* at(std::string_view name, std::span<const std::size_t> shape) const;

 private:
  std::filesystem::path source_;
  std::vector<float> numbers_;
  std::map<std::string, tensor, std::less<>> tensors_;
};

}  // namespace chat
