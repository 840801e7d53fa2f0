// The parameters of the Universal Sentence Encoder Lite, found by name once.
#include "search/parameters.hpp"

#include <initializer_list>
#include <span>
#include <stdexcept>
#include <string>

namespace chat {
namespace {

// The exporter left the tensors under three scopes: trained variables, variables reassembled from partitions, and
// constants of the folded graph.
const std::string variables = "module/Encoder_en/KonaTransformer/Encode/";
const std::string reassembled = "module_apply_default/Encoder_en/KonaTransformer/Encode/";
const std::string folded = reassembled + "TransformerStack/";
const std::string partitions = "/ConcatPartitions/concat";

const float* find(const weights& loaded, const std::string& name, std::initializer_list<std::size_t> shape) {
  return loaded.at(name, std::span(shape.begin(), shape.size()));
}

norm_parameters find_norm(const weights& loaded, const std::string& scope, std::size_t width) {
  const std::string name = reassembled + scope + "layer_prepostprocess/layer_norm/layer_norm_";
  return {.scale = find(loaded, name + "scale" + partitions, {width}),
          .bias = find(loaded, name + "bias" + partitions, {width}),
          .width = width};
}

/// Attention's maps are stored as convolutions of size 1 x 1.
linear_map find_attention_map(const weights& loaded, const std::string& scope, std::size_t in, std::size_t out) {
  return {.kernel = find(loaded, variables + scope + "/kernel/part_0", {1, 1, in, out}),
          .bias = find(loaded, reassembled + scope + "/bias" + partitions, {out}),
          .inputs = in,
          .outputs = out};
}

linear_map find_feed_forward_map(const weights& loaded, const std::string& scope, std::size_t in, std::size_t out) {
  return {.kernel = find(loaded, folded + scope + "/Tensordot/Reshape_1", {in, out}),
          .bias = find(loaded, reassembled + scope + "/bias" + partitions, {out}),
          .inputs = in,
          .outputs = out};
}

layer_parameters find_layer(const weights& loaded, std::size_t index, std::size_t width) {
  const std::string layer = "Layer_" + std::to_string(index) + "/TransformerLayer/";
  const std::string heads = layer + "MultiheadAttention/";
  return {.attention_norm = find_norm(loaded, layer, width),
          .query_key_value = find_attention_map(loaded, heads + "qkv_transform_single", width, 3 * width),
          .merge_heads = find_attention_map(loaded, heads + "output_transform_single", width, model_width),
          .feed_forward_norm = find_norm(loaded, layer + "FFN/", model_width),
          .expand = find_feed_forward_map(loaded, layer + "FFN/conv1", model_width, 3 * model_width),
          .contract = find_feed_forward_map(loaded, layer + "FFN/conv2", 3 * model_width, model_width)};
}

linear_map find_widening(const weights& loaded) {
  const std::string name = reassembled + "Layer_0/TransformerLayer/dense/";
  return {.kernel = find(loaded, name + "kernel" + partitions, {embedding_width, model_width}),
          .bias = find(loaded, name + "bias" + partitions, {model_width}),
          .inputs = embedding_width,
          .outputs = model_width};
}

linear_map find_pool(const weights& loaded) {
  const std::string name = "module/Encoder_en/hidden_layers/tanh_layer_0/";
  return {.kernel = find(loaded, name + "weights", {model_width, model_width}),
          .bias = find(loaded, name + "bias", {model_width}),
          .inputs = model_width,
          .outputs = model_width};
}

}  // namespace

encoder_parameters find_parameters(const weights& loaded) {
  const tensor& table = loaded.at("module/Embeddings_en");
  const std::size_t rows = table.shape.empty() ? 0 : table.shape[0];
  return {.embeddings = find(loaded, "module/Embeddings_en", {rows, embedding_width}),
          .embedding_rows = rows,
          .timing_frequencies =
              find(loaded, folded + "Layer_0/AddTimingSignal/TimingSignal/ExpandDims_1", {1, embedding_width / 2}),
          .widen_residual = find_widening(loaded),
          .layers = {find_layer(loaded, 0, embedding_width), find_layer(loaded, 1, model_width)},
          .pool = find_pool(loaded)};
}

}  // namespace chat
