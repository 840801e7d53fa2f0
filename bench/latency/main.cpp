// workit-latency: how fast work stops on this machine, and whether that keeps a bound.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <workit/workers/init.hpp>

#include "checks.hpp"
#include "measure/child.hpp"
#include "measure_all.hpp"
#include "samples/machine.hpp"

namespace {

using namespace workit;

struct request {
  std::vector<std::string> boundaries{"process", "thread", "cooperative"};
  int stops = 300;
  latency::bound limit;
  bool json = false;
};

/// What is being measured, on one line that is written over; nothing where standard error is no terminal.
void show_progress(const std::string& what) {
  if (isatty(STDERR_FILENO) != 0) std::fprintf(stderr, "\r\033[K%s%s", what.c_str(), what.empty() ? "" : " ...");
}

int run(const request& r) {
  std::vector<std::string> findings;
  for (const auto& f : latency::checks()) findings.push_back(f.what);
  const auto began = std::chrono::steady_clock::now();
  const auto figures = latency::measure_all(r.boundaries, r.stops, show_progress);
  show_progress("");
  const auto took = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began);
  const auto why = broken(r.limit, figures);
  if (r.json) {
    std::cout << to_json(figures, findings, r.limit) << '\n';
  } else {
    const auto facts = bench::machine();
    std::cout << facts.cpu << ", " << facts.cpus << " CPUs" << (facts.hypervisor ? " of a virtual machine" : "")
              << ", Linux " << facts.kernel << ", load average " << bench::load_average() << "\n\n";
    for (const auto& f : findings) std::cout << "note: " << f << "\n\n";
    std::cout << to_text(figures) << "\nmeasured in " << took.count() << " s\n";
  }
  std::cout.flush();
  for (const auto& w : why) std::cerr << "workit-latency: " << w << '\n';
  if (const auto busy = latency::busy_sentence(bench::load_average(), bench::machine().cpus);
      !why.empty() && !busy.empty())
    std::cerr << "workit-latency: " << busy << '\n';
  return why.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  init(argc, argv);
  bench::run_child_role(argc, argv);
  request r;
  CLI::App app(
      "Measures how fast work stops on this machine, at each boundary, beside what the kernel takes at least.\n"
      "Exit status: 0 measured, and within the bound; 1 beyond it, or what it is for could not be measured; 2 misuse.",
      "workit-latency");
  app.add_option("--boundary", r.boundaries, "process, thread, cooperative; several, separated by commas; default: all")
      ->delimiter(',')
      ->check(CLI::IsMember({"process", "thread", "cooperative"}));
  app.add_option("--stops", r.stops, "how many stops are measured at each, 10 to 100000; default 300")
      ->check(CLI::Range(10, 100000));
  app.add_option_function<std::string>(
      "--max-stop-p99",
      [&](const std::string& text) {
        try {
          r.limit.p99_us = latency::parse_time(text);
        } catch (const std::exception& e) {
          throw CLI::ValidationError("--max-stop-p99", e.what());
        }
      },
      "the bound, as in 200us: 99 of 100 stops are no slower, at any boundary measured");
  app.add_flag("--json", r.json, "print one JSON object");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  r.limit.boundaries = r.boundaries;
  try {
    return run(r);
  } catch (const std::exception& e) {
    std::cerr << "\nworkit-latency: " << e.what() << '\n';
    return 1;
  }
}
