// function_id: names of functions, from the program headers of the loaded modules.
//
// Invariants
// 1. The list of modules is replaced as a whole, whenever the linker has loaded or unloaded something since.
// Lock order: modules_mutex and the linker's own lock (taken by dl_iterate_phdr) are never held together. A
// shared_mutex has no annotations.
#include <workit/workers/detail/function_id.hpp>

#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <shared_mutex>
#include <vector>
#include <workit/base/errors.hpp>

namespace workit::workers {
namespace {

using build_id = decltype(function_id::module);

struct code_range {
  std::uintptr_t from, to;
};

struct module_info {
  build_id id{};
  std::uintptr_t base = 0;
  std::vector<code_range> code;
  std::string name;

  [[nodiscard]] bool has_code_at(std::uintptr_t at) const {
    return std::any_of(code.begin(), code.end(), [&](code_range c) { return at >= c.from && at < c.to; });
  }
};

/// Changes with every dlopen and dlclose.
struct linker_version {
  unsigned long long adds = 0, subs = 0;
  friend bool operator==(const linker_version&, const linker_version&) = default;
};

std::shared_mutex modules_mutex;
std::vector<module_info> modules;  // under modules_mutex
linker_version modules_version;    // under modules_mutex

constexpr std::uintptr_t round_up_to_4(std::uintptr_t n) { return (n + 3) & ~std::uintptr_t{3}; }

void read_notes(std::uintptr_t at, std::size_t size, build_id& id) {
  const auto end = at + size;
  while (at + sizeof(ElfW(Nhdr)) <= end) {
    const auto* header = reinterpret_cast<const ElfW(Nhdr)*>(at);
    const auto name = at + sizeof *header;
    const auto content = name + round_up_to_4(header->n_namesz);
    if (content + header->n_descsz > end) return;
    if (header->n_type == NT_GNU_BUILD_ID && header->n_namesz == 4 &&
        std::memcmp(reinterpret_cast<const void*>(name), "GNU", 4) == 0)
      std::memcpy(id.data(), reinterpret_cast<const void*>(content),
                  std::min<std::size_t>(id.size(), header->n_descsz));
    at = content + round_up_to_4(header->n_descsz);
  }
}

module_info describe(const dl_phdr_info& from) {
  module_info m;
  m.base = from.dlpi_addr;
  m.name = from.dlpi_name != nullptr && *from.dlpi_name != '\0' ? from.dlpi_name : "the program itself";
  for (int i = 0; i < from.dlpi_phnum; ++i) {
    const auto& segment = from.dlpi_phdr[i];
    const auto at = from.dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0) m.code.push_back({at, at + segment.p_memsz});
    if (segment.p_type == PT_NOTE) read_notes(at, segment.p_memsz, m.id);
  }
  return m;
}

linker_version current_version() {
  linker_version now;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* to) {
        *static_cast<linker_version*>(to) = {info->dlpi_adds, info->dlpi_subs};
        return 1;  // every entry has the same
      },
      &now);
  return now;
}

/// Calls `visit` with the current list, under a shared lock.
template <class Visit>
auto with_modules(Visit visit) {
  const auto now = current_version();
  {
    const std::shared_lock lock(modules_mutex);
    if (!modules.empty() && modules_version == now) return visit(modules);
  }
  std::vector<module_info> fresh;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* to) {
        static_cast<std::vector<module_info>*>(to)->push_back(describe(*info));
        return 0;
      },
      &fresh);
  const std::unique_lock lock(modules_mutex);
  modules = std::move(fresh);
  modules_version = now;
  return visit(modules);
}

}  // namespace

function_id id_of(any_function f) {
  const auto at = reinterpret_cast<std::uintptr_t>(f);
  return with_modules([&](const std::vector<module_info>& all) {
    for (const auto& m : all) {
      if (!m.has_code_at(at)) continue;
      if (m.id == build_id{})
        throw start_failed("a function of " + m.name +
                           " cannot be named to a worker process: the module has no build-id; link it with "
                           "-Wl,--build-id");
      return function_id{m.id, at - m.base};
    }
    throw start_failed(
        "a function cannot be named to a worker process: its address lies in no loaded module (was it generated at run "
        "time, or its library closed?)");
  });
}

std::optional<any_function> find_function(const function_id& id) {
  if (!id) return std::nullopt;
  return with_modules([&](const std::vector<module_info>& all) -> std::optional<any_function> {
    for (const auto& m : all)
      if (m.id == id.module && m.has_code_at(m.base + id.offset))
        return reinterpret_cast<any_function>(m.base + id.offset);
    return std::nullopt;
  });
}

}  // namespace workit::workers
