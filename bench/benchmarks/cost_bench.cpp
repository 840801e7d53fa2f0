// What the interposed calls cost where nothing is stopped: one program as it is, beside the same one linked with
// them, and beside it with a bare jump in front of the allocator.
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "benchmarks/figures.hpp"
#include "benchmarks/runner.hpp"

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

// They take turns, and take turns in being first, so that whatever slows the machine down slows down all.
void add_costs() {
  for (const std::string name : {"malloc_free", "lock_unlock", "regex", "json", "encoder"})
    measured("cost/" + name, {{"subject", "cost"}}, {8, 40}, [=](sink& to, int n) {
      const std::vector<std::string> kinds{"bare", "forwarded", "interposed"};
      std::map<std::string, std::vector<double>> took;
      for (std::size_t turn = 0; turn < static_cast<std::size_t>(n); ++turn)
        for (std::size_t i = 0; i < kinds.size(); ++i) {
          const auto& kind = kinds[(turn + i) % kinds.size()];
          took[kind].push_back(run_workload(kind, name));
        }
      to.add("bare", took["bare"], "", "ns");
      to.add("forwarded", took["forwarded"], "cost/" + name + "/bare", "ns");
      to.add("interposed", took["interposed"], "cost/" + name + "/bare", "ns");
    });
}

}  // namespace workit::bench
