// host_modules: see the header.
#include "host_modules.hpp"

#include <algorithm>
#include <vector>
#include <workit/workers/wire.hpp>

#include "loaded_modules.hpp"

namespace workit::workers {
namespace {

struct known_module {
  std::string path;
  module_id id;
};

}  // namespace

bytes encode_modules() {
  std::vector<known_module> known;
  const auto all = loaded_modules();
  for (const auto& m : *all) known.push_back({m.path, m.id});
  wire_writer to;
  to.write(known);
  return to.take();
}

std::optional<std::string> replaced_module(std::span<const std::byte> of_host) {
  wire_reader from(of_host);
  const auto known = from.read<std::vector<known_module>>();
  from.finish();
  const auto all = loaded_modules();
  for (const auto& m : *all) {
    bool has_path = false, has_file = false;
    for (const auto& k : known) {
      if (k.path != m.path) continue;
      has_path = true;
      has_file = has_file || k.id == m.id;  // it may have opened both, the old one and the new one
    }
    if (has_path && !has_file)
      return name_of(m) +
             " was replaced on disk after the host had loaded it, and a worker would run other code than its host: "
             "restart the program";
  }
  return std::nullopt;
}

}  // namespace workit::workers
