// Round trips across the process boundary, by payload and passing, beside a futex and a copy.
#include "benchmarks/figures.hpp"
#include "benchmarks/runner.hpp"
#include "measure/calls.hpp"
#include "measure/payloads.hpp"

namespace workit::bench {
namespace {

/// Arguments and results by value, beside the two copies that they take at least, and a socket.
void add_values(const std::string& size, std::size_t bytes, sample_counts counts) {
  const auto copies = "floor/two_copies/" + size;
  measured(copies, {{"subject", "floor"}}, counts,
           [=](sink& to, int n) { to.add("", copies_by_shared_memory(bytes, n)); });
  measured("floor/socket/" + size, {{"subject", "floor"}}, counts,
           [=](sink& to, int n) { to.add("", round_trips_by_socket(bytes, n), copies); });
  const std::map<std::string, std::string> tags{{"subject", "value"}, {"boundary", "process"}};
  measured("value/process/argument/" + size, tags, counts,
           [=](sink& to, int n) { to.add("", arguments(bytes, n), copies); });
  measured("value/process/result/" + size, tags, counts,
           [=](sink& to, int n) { to.add("", results(bytes, n), copies); });
}

void add_payload(const std::string& size, std::size_t bytes, sample_counts counts) {
  const auto copy = "floor/memcpy/" + size;
  measured(copy, {{"subject", "floor"}}, counts, [=](sink& to, int n) { to.add("", copy_of(bytes, n)); });
  const auto tags = [&](const char* passing) {
    return std::map<std::string, std::string>{{"subject", "round_trip"}, {"boundary", "process"}, {"passing", passing}};
  };
  measured("round_trip/process/value/" + size, tags("value"), counts,
           [=](sink& to, int n) { to.add("", round_trips(passing::by_value, bytes, n), copy); });
  measured("round_trip/process/shared/" + size, tags("shared"), counts,
           [=](sink& to, int n) { to.add("", round_trips(passing::by_shared_buffer, bytes, n), copy); });
}

}  // namespace

void add_calls() {
  measured("floor/futex_round_trip", {{"subject", "floor"}}, {2000, 20000},
           [](sink& to, int n) { to.add("", futex_round_trip(n)); });
  measured("round_trip/process/8B", {{"subject", "round_trip"}, {"boundary", "process"}}, {2000, 20000},
           [](sink& to, int n) { to.add("", round_trips(boundary::process, n), "floor/futex_round_trip"); });
  add_payload("64KiB", 64 << 10, {500, 3000});
  add_payload("1MiB", 1 << 20, {200, 1000});
  add_payload("64MiB", 64 << 20, {15, 100});
  add_values("4KiB", 4 << 10, {500, 3000});
  add_values("64KiB", 64 << 10, {500, 3000});
  add_values("1MiB", 1 << 20, {200, 1000});
  add_values("16MiB", 16 << 20, {30, 200});
  add_values("64MiB", 64 << 20, {10, 60});
  add_values("256MiB", 256 << 20, {5, 20});
}

}  // namespace workit::bench
