// The receipt of a sample: one line of JSON on standard output.
#pragma once

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace sample {

/// Members stay in the order in which they are written.
using receipt = nlohmann::ordered_json;

inline void print(const receipt& line) { std::puts(line.dump().c_str()); }

/// Milliseconds, for members whose names end in _ms.
inline double ms(std::chrono::nanoseconds d) { return std::chrono::duration<double, std::milli>(d).count(); }

}  // namespace sample
