// code_map: see the header for what it promises.
//
// Invariant: `published` is null or points to a finished map in `kept`, and `kept` only grows.
// Lock order: `mutex` before the loader's lock.
#include "code_map.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <workit/base/thread_mutex.hpp>

#include "stack_switch.hpp"

// libgcc's own, not in <unwind.h>: unwind-dw2-fde.h.
struct dwarf_eh_bases {
  void* tbase;
  void* dbase;
  void* func;
};
extern "C" const void* _Unwind_Find_FDE(void* pc, dwarf_eh_bases* bases);  // NOLINT(bugprone-reserved-identifier)

// The linker makes these for a section whose name is an identifier.
extern "C" const char __start_workit_rt[], __stop_workit_rt[];  // NOLINT(bugprone-reserved-identifier)

namespace workit::preempt {
namespace {

std::atomic<const code_map*> published{nullptr};
thread_mutex mutex;
std::vector<std::unique_ptr<const code_map>>& kept() WORKIT_REQUIRES(mutex) {
  static auto* const all = new std::vector<std::unique_ptr<const code_map>>;
  return *all;
}
std::vector<std::string>& allowed() WORKIT_REQUIRES(mutex) {
  static auto* const all = new std::vector<std::string>;
  return *all;
}
bool allowed_changed WORKIT_GUARDED_BY(mutex) = false;

/// Names that outlive their modules.
const char* keep_name(const std::string& name) WORKIT_REQUIRES(mutex) {
  static auto* const names = new std::vector<std::unique_ptr<std::string>>;
  for (const auto& n : *names)
    if (*n == name) return n->c_str();
  return names->emplace_back(std::make_unique<std::string>(name))->c_str();
}

std::uintptr_t address(const void* p) noexcept { return reinterpret_cast<std::uintptr_t>(p); }

unsigned long long changes_so_far() {
  unsigned long long changes = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* to) {
        *static_cast<unsigned long long*>(to) = info->dlpi_adds + info->dlpi_subs;
        return 1;
      },
      &changes);
  return changes;
}

code_owner owner_of_module(const std::string& base, bool is_main) WORKIT_REQUIRES(mutex) {
  if (is_main || std::ranges::find(allowed(), base) != allowed().end()) return code_owner::task;
  if (base.starts_with("libm.so") || base.starts_with("libmvec.so")) return code_owner::pure;
  if (base.starts_with("libgcc_s.so")) return code_owner::unwinder;
  return code_owner::foreign;
}

}  // namespace

const code_map* code_map::current() noexcept { return published.load(std::memory_order_acquire); }

void code_map::allow(std::string module) {
  const thread_lock lock(mutex);
  allowed().push_back(std::move(module));
  allowed_changed = true;
}

void code_map::refresh() {
  const auto changes = changes_so_far();
  const thread_lock lock(mutex);
  const auto* known = current();
  if (known != nullptr && known->changes_ == changes && !allowed_changed) return;
  auto fresh = std::make_unique<code_map>();
  fresh->changes_ = changes;
  fresh->add_modules();
  for (const char* name : {"memcpy", "memmove", "memset", "memcmp", "memchr", "strlen", "strnlen", "strcmp", "strncmp",
                           "strchr", "strrchr", "strcpy", "strncpy", "strcat", "strstr"})
    fresh->add_function(name, code_owner::pure);
  for (const char* name : {"qsort", "qsort_r", "bsearch", "clock_gettime"})
    fresh->add_function(name, code_owner::sorter);
  for (const char* name : {"malloc", "free", "calloc", "realloc", "memalign", "aligned_alloc", "posix_memalign"})
    fresh->add_function(name, code_owner::allocator);
  allowed_changed = false;
  published.store(fresh.get(), std::memory_order_release);
  kept().push_back(std::move(fresh));
}

void code_map::add_modules() {
  struct visit {
    code_map* map;
    std::uintptr_t vdso;
  } to{this, getauxval(AT_SYSINFO_EHDR)};
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* arg) {
        mutex.assert_held();  // by refresh()
        const auto& [map, vdso] = *static_cast<visit*>(arg);
        const bool first = map->modules_.empty();
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const auto& header = info->dlpi_phdr[i];
          if (header.p_type != PT_LOAD || (header.p_flags & PF_X) == 0) continue;
          const auto low = info->dlpi_addr + header.p_vaddr;
          if (vdso != 0 && vdso >= info->dlpi_addr && vdso < low + header.p_memsz && vdso + 4096 > low &&
              std::strstr(info->dlpi_name, "vdso") != nullptr) {
            map->vdso_ = {low, low + header.p_memsz, code_owner::pure};
            continue;
          }
          dl_find_object found{};
          if (_dl_find_object(reinterpret_cast<void*>(low), &found) != 0) continue;
          const std::string name = info->dlpi_name;
          const auto base = name.substr(name.rfind('/') + 1);
          map->modules_.push_back(
              {found.dlfo_link_map, owner_of_module(base, first), keep_name(first ? "the executable" : base)});
          break;
        }
        return 0;
      },
      &to);
}

/// Adds a function of libc. Its frame description says where it ends: .eh_frame entries of libc are pc-relative with
/// four bytes each (augmentation "zR", encoding 0x1b), its length at byte 12. LSB Core 5.0, 10.6.1.
void code_map::add_function(const char* name, code_owner owner) {
  void* const at = dlsym(RTLD_NEXT, name);  // not those interposed here
  dwarf_eh_bases bases{};
  const auto* description = at != nullptr ? static_cast<const char*>(_Unwind_Find_FDE(at, &bases)) : nullptr;
  if (description == nullptr || bases.func != at) return;
  std::uint32_t length = 0;
  std::memcpy(&length, description + 12, sizeof length);
  functions_.push_back({address(at), address(at) + length, owner});
}

code_map::answer code_map::of(std::uintptr_t pc) const noexcept {
  if (pc >= address(reinterpret_cast<const void*>(&workit_run_on_stack)) && pc < address(workit_run_on_stack_end))
    return {code_owner::boundary, ""};
  if (pc >= address(__start_workit_rt) && pc < address(__stop_workit_rt)) return {code_owner::runtime, ""};
  dl_find_object found{};
  if (_dl_find_object(reinterpret_cast<void*>(pc), &found) != 0)
    return vdso_.has(pc) ? answer{code_owner::pure, ""} : answer{code_owner::foreign, "code without a module"};
  const char* name = "a module loaded meanwhile";
  for (const auto& m : modules_) {
    if (m.map != found.dlfo_link_map) continue;
    if (m.owner != code_owner::foreign) return {m.owner, m.name};
    name = m.name;
    break;
  }
  for (const auto& f : functions_)
    if (f.has(pc)) return {f.owner, name};
  return {code_owner::foreign, name};
}

}  // namespace workit::preempt
