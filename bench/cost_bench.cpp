// What the interposed calls cost where nothing is stopped: one program as it is, beside the same one linked with them.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "figures.hpp"
#include "runner.hpp"

namespace workit::bench {
namespace {

/// Runs the program of that kind, which is beside this one. Errors: std::runtime_error when it says nothing.
double run_workload(const std::string& kind, const std::string& name) {
  const auto program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / ("workit_workload_" + kind);
  const std::unique_ptr<FILE, int (*)(FILE*)> output(::popen(("'" + program.string() + "' " + name).c_str(), "r"),
                                                     ::pclose);
  double ns = 0;
  if (output == nullptr || std::fscanf(output.get(), "%lf", &ns) != 1)
    throw std::runtime_error(program.string() + " has measured nothing; encoder needs CHAT_MODEL_DIR");
  return ns;
}

}  // namespace

// The two take turns, and take turns in being first, so that whatever slows the machine down slows down both.
void add_costs() {
  for (const std::string name : {"malloc_free", "lock_unlock", "regex", "json", "encoder"})
    measured("cost/" + name, {{"subject", "cost"}}, {8, 40}, [=](sink& to, int n) {
      std::vector<double> bare, interposed;
      for (int i = 0; i < n; ++i) {
        if (i % 2 == 0) bare.push_back(run_workload("bare", name));
        interposed.push_back(run_workload("interposed", name));
        if (i % 2 != 0) bare.push_back(run_workload("bare", name));
      }
      to.add("bare", bare, "", "ns");
      to.add("interposed", interposed, "cost/" + name + "/bare", "ns");
    });
}

}  // namespace workit::bench
