// loaded_modules: what dl_iterate_phdr(3) lists, with the files from /proc/self/maps.
//
// The file has to be the one that is mapped: its path may lead to another by now.
//
// Invariants
// 1. The list is replaced as a whole, whenever the linker has loaded or unloaded something since.
// Lock order: modules_mutex and the linker's own lock (taken by dl_iterate_phdr) are never held together.
#include "loaded_modules.hpp"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>
#include <workit/base/errors.hpp>
#include <workit/base/thread_mutex.hpp>
#include <workit/base/unique_fd.hpp>

namespace workit::workers {
namespace {

/// Changes with every dlopen and dlclose.
struct linker_version {
  unsigned long long adds = 0, subs = 0;
  friend bool operator==(const linker_version&, const linker_version&) = default;
};

thread_mutex modules_mutex;
std::shared_ptr<const module_list> modules WORKIT_GUARDED_BY(modules_mutex);
linker_version modules_version WORKIT_GUARDED_BY(modules_mutex);

constexpr std::uintptr_t round_up_to_4(std::uintptr_t n) { return (n + 3) & ~std::uintptr_t{3}; }

void read_notes(std::uintptr_t at, std::size_t size, decltype(module_id::build)& id) {
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

/// A file that is mapped, and where.
struct mapped_file {
  std::uintptr_t from = 0, to = 0;
  std::uint64_t device = 0, inode = 0;
};

/// "7f0000000000-7f0000001000 r-xp 00001000 fe:01 1234   /path": proc_pid_maps(5).
mapped_file parse_line(std::string_view line) noexcept {
  mapped_file m;
  const char* at = line.data();
  const char* const end = at + line.size();
  const auto number = [&](auto& to, int base) {
    while (at < end && (*at == ' ' || *at == '-' || *at == ':')) ++at;
    at = std::from_chars(at, end, to, base).ptr;
  };
  std::uint64_t offset = 0, major = 0, minor = 0;
  number(m.from, 16);
  number(m.to, 16);
  at = std::min(end, at + 6);  // " r-xp "
  number(offset, 16);
  number(major, 16);
  number(minor, 16);
  number(m.inode, 10);
  m.device = major << 32 | minor;
  return m;
}

std::string read_maps() {
  const unique_fd file(::open("/proc/self/maps", O_RDONLY | O_CLOEXEC));
  std::string text;
  char part[4096];
  ssize_t got = file ? 0 : -1;
  while (file && ((got = ::read(file.get(), part, sizeof part)) > 0 || (got < 0 && errno == EINTR)))
    if (got > 0) text.append(part, static_cast<std::size_t>(got));
  if (got < 0)
    throw start_failed(
        "functions cannot be named to worker processes: /proc/self/maps, which tells this process's modules apart, "
        "cannot be read: " +
        std::string(std::strerror(errno)));
  return text;
}

/// In the order of their addresses.
std::vector<mapped_file> mapped_files() {
  std::vector<mapped_file> files;
  const auto text = read_maps();
  for (std::string_view rest = text; !rest.empty();) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (const auto m = parse_line(line); m.inode != 0) files.push_back(m);
  }
  return files;
}

/// By the mapping of its first segment, in which the linker has found the headers.
void find_file(const std::vector<mapped_file>& files, std::uintptr_t at, module_id& id) {
  const auto behind = std::ranges::upper_bound(files, at, {}, &mapped_file::from);
  if (behind == files.begin()) return;
  const auto& last = *std::prev(behind);
  if (at < last.to) id.device = last.device, id.inode = last.inode;
}

struct described_module {
  loaded_module module;
  std::uintptr_t first_segment = 0;
};

described_module describe(const dl_phdr_info& from) {
  described_module d;
  auto& m = d.module;
  m.base = from.dlpi_addr;
  m.path = from.dlpi_name != nullptr ? from.dlpi_name : "";
  for (int i = from.dlpi_phnum; i-- > 0;) {
    const auto& segment = from.dlpi_phdr[i];
    const auto at = from.dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD) d.first_segment = at;  // they stand in the order of their addresses
    if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0) m.code.push_back({at, at + segment.p_memsz});
    if (segment.p_type == PT_NOTE) read_notes(at, segment.p_memsz, m.id.build);
  }
  return d;
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

module_list read_modules() {
  std::vector<described_module> all;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* to) {
        static_cast<std::vector<described_module>*>(to)->push_back(describe(*info));
        return 0;
      },
      &all);
  const auto files = mapped_files();
  module_list list;
  for (auto& d : all) {
    find_file(files, d.first_segment, d.module.id);
    list.push_back(std::move(d.module));
  }
  return list;
}

}  // namespace

std::shared_ptr<const module_list> loaded_modules() {
  const auto now = current_version();
  {
    const thread_lock lock(modules_mutex);
    if (modules != nullptr && modules_version == now) return modules;
  }
  auto fresh = std::make_shared<const module_list>(read_modules());
  const thread_lock lock(modules_mutex);
  modules = fresh;
  modules_version = now;
  return fresh;
}

std::string name_of(const loaded_module& m) { return m.path.empty() ? "the program itself" : m.path; }

}  // namespace workit::workers
