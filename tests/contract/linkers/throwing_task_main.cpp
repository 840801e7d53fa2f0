// A program whose task throws, for each way to link it: exits with 0 when that is a remote_error with a backtrace.
#include <cstdio>
#include <stdexcept>
#include <workit/workit.hpp>

namespace {

int fail(int row) {
  if (row >= 0) throw std::out_of_range("row " + std::to_string(row));
  return row;
}

}  // namespace

int main(int argc, char** argv) {
  workit::init(argc, argv);
  workit::runtime rt({}, workit::processes({.workers = 1, .spares = 0}));
  try {
    rt.run([](workit::scope& s) { return workit::offload({}, fail, 7)(s); });
  } catch (const workit::remote_error& e) {
    std::printf("%s\n%s", e.what(), e.backtrace().c_str());
    return e.type() == "std::out_of_range" && e.message() == "row 7" && !e.backtrace().empty() ? 0 : 1;
  } catch (const std::exception& e) {
    std::printf("%s\n", e.what());
  }
  return 1;
}
