// name_of: the symbol of a function, from the linker's table, or from the program's own, which has static functions
// too.
#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <boost/core/demangle.hpp>
#include <cstdio>
#include <fstream>
#include <string_view>
#include <vector>
#include <workit/workers/detail/function_id.hpp>

namespace workit::workers {
namespace {

/// `count` items from `at` on; none when the file has less.
template <class T>
std::vector<T> read_items(std::ifstream& file, std::uint64_t at, std::uint64_t count) {
  constexpr std::uint64_t most = std::uint64_t{1} << 30;
  if (count > most / sizeof(T)) return {};
  std::vector<T> items(count);
  file.seekg(static_cast<std::streamoff>(at));
  file.read(reinterpret_cast<char*>(items.data()), static_cast<std::streamsize>(count * sizeof(T)));
  if (!file) items.clear();
  return items;
}

/// The mangled name of the function that begins at that offset of the program; empty when it has been stripped, or may
/// not be read.
std::string symbol_of_program(std::uint64_t offset) {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  const auto header = read_items<ElfW(Ehdr)>(file, 0, 1);
  if (header.empty()) return {};
  const auto sections = read_items<ElfW(Shdr)>(file, header[0].e_shoff, header[0].e_shnum);
  for (const auto& table : sections) {
    if (table.sh_type != SHT_SYMTAB || table.sh_link >= sections.size()) continue;
    for (const auto& symbol : read_items<ElfW(Sym)>(file, table.sh_offset, table.sh_size / sizeof(ElfW(Sym)))) {
      if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_value != offset) continue;
      const auto& texts = sections[table.sh_link];
      if (symbol.st_name >= texts.sh_size) return {};
      auto text = read_items<char>(file, texts.sh_offset + symbol.st_name, texts.sh_size - symbol.st_name);
      text.push_back('\0');
      return text.data();
    }
  }
  return {};
}

std::string readable(const char* symbol) {
  auto name = boost::core::demangle(symbol);
  constexpr std::string_view of_lambda = "::_FUN()";  // what a captureless lambda converts to
  if (name.ends_with(of_lambda)) name.resize(name.size() - of_lambda.size());
  return name;
}

}  // namespace

std::string name_of(any_function f) {
  const auto at = reinterpret_cast<std::uintptr_t>(f);
  Dl_info found{};
  link_map* module = nullptr;
  if (::dladdr1(reinterpret_cast<void*>(at), &found, reinterpret_cast<void**>(&module), RTLD_DL_LINKMAP) == 0)
    return "a function at no place of a module";
  if (found.dli_sname != nullptr && reinterpret_cast<std::uintptr_t>(found.dli_saddr) == at)
    return readable(found.dli_sname);
  const auto offset = at - module->l_addr;
  const bool is_program = module->l_name == nullptr || *module->l_name == '\0';
  if (is_program)
    if (const auto symbol = symbol_of_program(offset); !symbol.empty()) return readable(symbol.c_str());
  char place[24];
  std::snprintf(place, sizeof place, "+0x%zx", static_cast<std::size_t>(offset));
  return (found.dli_fname != nullptr ? found.dli_fname : "the program") + std::string(place);
}

}  // namespace workit::workers
