// function_id: names of functions, by the modules of this process.
#include <workit/workers/detail/function_id.hpp>

#include <workit/base/errors.hpp>
#include <workit/preempt/no_preempt_scope.hpp>

#include "loaded_modules.hpp"

namespace workit::workers {
namespace {

start_failed unnameable(const std::string& what, const std::string& why) {
  return start_failed(what + " cannot be named to a worker process: " + why);
}

}  // namespace

function_id id_of(any_function f) {
  const auto at = reinterpret_cast<std::uintptr_t>(f);
  const auto all = loaded_modules();
  for (const auto& m : *all) {
    if (!m.has_code_at(at)) continue;
    const auto what = "a function of " + name_of(m);
    if (m.id.build == decltype(m.id.build){})
      throw unnameable(what, "the module has no build-id; link it with -Wl,--build-id");
    if (m.id.inode == 0)
      throw unnameable(what, "the module is not mapped from a file, by which it would be told from others");
    return function_id{m.id, at - m.base};
  }
  throw unnameable("a function",
                   "its address lies in no loaded module (was it generated at run time, or its library closed?)");
}

std::optional<any_function> find_function(const function_id& id) {
  const no_preempt_scope whole;  // at the thread boundary the task itself gets here
  const auto all = loaded_modules();
  for (const auto& m : *all)
    if (id && m.id == id.module && m.has_code_at(m.base + id.offset))
      return reinterpret_cast<any_function>(m.base + id.offset);
  return std::nullopt;
}

any_function require_function(const function_id& id) try {
  if (const auto found = find_function(id)) return *found;
  const auto all = loaded_modules();
  for (const auto& m : *all)
    if (id && m.id.build == id.module.build && m.id != id.module)
      throw unknown_function(
          "the worker does not have this function's module, only one of the same build-id, " + name_of(m) +
          ": that is a copy of it, or has replaced it on disk; open the same file in the host and in "
          "the pool's preload");
  throw unknown_function(
      "the worker does not have this function's module: the host opened the library after the pool started, "
      "or it was replaced on disk; link it to the program, or open it in the pool's preload");
} catch (const unknown_function&) {
  throw;
} catch (const start_failed& e) {  // its modules could not be read
  throw unknown_function(e.what());
}

}  // namespace workit::workers
