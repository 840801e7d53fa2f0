// own_cgroups: cgroups(7), and mountinfo in proc(5).
#include <workit/base/detail/own_cgroups.hpp>

#include <fstream>
#include <sstream>

namespace workit::detail {
namespace {

bool lists(const std::string& words, std::string_view word) {
  return ("," + words + ",").find("," + std::string(word) + ",") != std::string::npos;
}

/// Sets `mount` and `below` of a group of that path. Lines of mountinfo:
/// "36 35 98:0 /root /point options optional... - type source superoptions".
bool find_mount(own_cgroup& group, const std::string& path, std::string_view controller, const std::string& proc) {
  std::ifstream file(proc + "/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string skipped, root, point, type, super;
    words >> skipped >> skipped >> skipped >> root >> point;
    while (words >> skipped && skipped != "-") {
    }
    words >> type >> skipped >> super;
    if (group.unified ? type != "cgroup2" : type != "cgroup" || !lists(super, controller)) continue;
    group.mount = point;
    const std::string above = root == "/" ? "" : root;
    if (path.starts_with(above) && (path.size() == above.size() || path[above.size()] == '/'))
      group.below = path.substr(above.size());
    if (group.below == "/") group.below = "";
    return true;
  }
  return false;
}

}  // namespace

/// Lines "4:memory:/path" (v1) and "0::/path" (v2).
std::vector<own_cgroup> own_cgroups(std::string_view controller, const std::string& proc) {
  std::vector<own_cgroup> found;
  std::ifstream file(proc + "/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    own_cgroup group{.unified = controllers.empty(), .mount = {}, .below = {}};
    if (!group.unified && !lists(controllers, controller)) continue;
    if (find_mount(group, line.substr(second + 1), controller, proc)) found.push_back(std::move(group));
  }
  return found;
}

}  // namespace workit::detail
