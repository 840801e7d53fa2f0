// A child for each fault; its standard error is read.
#include "planted.hpp"

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <string>

#include "faults.hpp"

namespace workit::chaos {
namespace {

struct ending {
  int code = 0;
  std::string said;
};

ending run_with(std::string_view fault, std::uint64_t seed) {
  const auto self = std::filesystem::read_symlink("/proc/self/exe").string();
  const auto command = '"' + self + "\" --seconds 1 --seed " + std::to_string(seed) +
                       (fault.empty() ? "" : " --planted " + std::string(fault)) + " 2>&1";
  ending end;
  auto* const output = ::popen(command.c_str(), "r");
  if (output == nullptr) return {-1, "it could not be started"};
  std::array<char, 4096> part{};
  while (std::fgets(part.data(), part.size(), output) != nullptr) end.said += part.data();
  const int status = ::pclose(output);
  end.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return end;
}

}  // namespace

bool find_all_planted(std::uint64_t seed) {
  bool all_found = true;
  const auto show = [&](std::string_view what, bool right, const ending& end) {
    std::fprintf(stderr, "chaos: %-22s %s\n", std::string(what).c_str(),
                 right ? "as it should be" : "NOT AS IT SHOULD BE");
    if (!right) std::fprintf(stderr, "exit code %d\n%s\n", end.code, end.said.c_str());
    all_found &= right;
  };
  const auto without = run_with("", seed);
  show("no fault", without.code == 0, without);
  for (const auto& each : faults) {
    const auto end = run_with(each.name, seed);
    show(each.name, end.code == 1 && end.said.find(each.found_by) != std::string::npos, end);
  }
  return all_found;
}

}  // namespace workit::chaos
