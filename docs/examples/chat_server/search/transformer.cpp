// The parts of a transformer encoder layer.
#include "search/transformer.hpp"

#include <cblas.h>

#include <algorithm>
#include <cmath>

namespace chat {
namespace {

blasint as_blas(std::size_t extent) { return static_cast<blasint>(extent); }

void add(const matrix& from, matrix& to) {
  for (std::size_t i = 0; i < to.values.size(); ++i) to.values[i] += from.values[i];
}

}  // namespace

matrix project(const matrix& x, const linear_map& map) {
  matrix y(x.rows, map.outputs);
  for (std::size_t i = 0; i < y.rows; ++i) std::copy_n(map.bias, map.outputs, y.row(i).begin());
  const blasint in = as_blas(map.inputs);
  const blasint out = as_blas(map.outputs);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, as_blas(x.rows), out, in,  //
              1, x.values.data(), in, map.kernel, out,                              //
              1, y.values.data(), out);
  return y;
}

matrix layer_norm(const matrix& x, const norm_parameters& parameters) {
  constexpr float epsilon = 1e-6F;  // under the root, the value in the published graph
  const auto width = static_cast<float>(parameters.width);
  matrix y(x.rows, x.columns);
  for (std::size_t i = 0; i < x.rows; ++i) {
    const auto in = x.row(i);
    const auto out = y.row(i);
    float mean = 0;
    for (const float v : in) mean += v;
    mean /= width;
    float variance = 0;
    for (const float v : in) variance += (v - mean) * (v - mean);
    variance /= width;
    const float inverse = 1 / std::sqrt(variance + epsilon);
    for (std::size_t j = 0; j < in.size(); ++j)
      out[j] = (in[j] - mean) * inverse * parameters.scale[j] + parameters.bias[j];
  }
  return y;
}

void softmax_rows(matrix& x) {
  for (std::size_t i = 0; i < x.rows; ++i) {
    const auto row = x.row(i);
    const float largest = *std::ranges::max_element(row);  // subtracted, so that exp cannot overflow
    float sum = 0;
    for (float& v : row) sum += v = std::exp(v - largest);
    const float inverse = 1 / sum;
    for (float& v : row) v *= inverse;
  }
}

matrix attention(const matrix& query_key_value, std::size_t heads) {
  const std::size_t n = query_key_value.rows;
  const std::size_t stride = query_key_value.columns;
  const std::size_t d = stride / 3;
  const std::size_t head_width = d / heads;
  const float scale = 1 / std::sqrt(static_cast<float>(head_width));
  matrix result(n, d);
  matrix looks(n, n);
  for (std::size_t head = 0; head < heads; ++head) {
    const float* query = query_key_value.values.data() + head * head_width;
    const float* key = query + d;
    const float* value = key + d;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, as_blas(n), as_blas(n), as_blas(head_width),  //
                scale, query, as_blas(stride), key, as_blas(stride),                                   //
                0, looks.values.data(), as_blas(n));
    softmax_rows(looks);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, as_blas(n), as_blas(head_width), as_blas(n),  //
                1, looks.values.data(), as_blas(n), value, as_blas(stride),                              //
                0, result.values.data() + head * head_width, as_blas(d));
  }
  return result;
}

matrix feed_forward(const matrix& x, const linear_map& expand, const linear_map& contract) {
  matrix hidden = project(x, expand);
  for (float& v : hidden.values) v = std::max(v, 0.0F);
  return project(hidden, contract);
}

void add_timing_signal(matrix& x, const float* frequencies) {
  const std::size_t half = x.columns / 2;
  for (std::size_t position = 0; position < x.rows; ++position) {
    const auto row = x.row(position);
    for (std::size_t j = 0; j < half; ++j) {
      const float angle = static_cast<float>(position) * frequencies[j];
      row[j] += std::sin(angle);
      row[j + half] += std::cos(angle);
    }
  }
}

matrix run_layer(const matrix& x, const matrix& residual, const layer_parameters& layer, std::size_t heads) {
  const matrix query_key_value = project(layer_norm(x, layer.attention_norm), layer.query_key_value);
  matrix y = project(attention(query_key_value, heads), layer.merge_heads);
  add(residual, y);
  add(feed_forward(layer_norm(y, layer.feed_forward_norm), layer.expand, layer.contract), y);
  return y;
}

}  // namespace chat
