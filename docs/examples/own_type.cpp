#include <cstdio>
#include <utility>
#include <vector>
#include <workit/workit.hpp>

// A class with a rule of its own: its rows have one length. An aggregate would travel by itself.
class matrix {
 public:
  matrix(std::size_t columns, std::vector<float> values) : columns_(columns), values_(std::move(values)) {
    if (columns == 0 || values_.size() % columns != 0) throw workit::wire_error("the rows of a matrix differ");
  }
  [[nodiscard]] std::size_t columns() const { return columns_; }
  [[nodiscard]] const std::vector<float>& values() const { return values_; }

 private:
  std::size_t columns_;
  std::vector<float> values_;
};

// What arrives goes through the constructor, which checks it: the other side may have sent anything.
template <>
struct workit::wire<matrix> {
  static void write(wire_writer& to, const matrix& m) {
    to.write(m.columns());
    to.write(m.values());
  }
  static matrix read(wire_reader& from) {
    const auto columns = from.read<std::size_t>();
    return {columns, from.read<std::vector<float>>()};
  }
};

// Runs in a worker process.
matrix doubled(const matrix& m) {
  auto values = m.values();
  for (auto& value : values) value *= 2;
  return {m.columns(), std::move(values)};
}

int main(int argc, char** argv) {
  workit::init(argc, argv);
  workit::runtime rt({}, workit::processes({.workers = 1}));
  const auto twice = rt.run(workit::offload(doubled, matrix(2, {1, 2, 3, 4})));
  std::printf("%zu columns, the last value is %g\n", twice.columns(), twice.values().back());
}
