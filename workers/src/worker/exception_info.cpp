// exception_info: by the C++ ABI's own bookkeeping (Itanium C++ ABI, exception handling, 2.5).
#include "exception_info.hpp"

#include <cxxabi.h>

#include <boost/core/demangle.hpp>
#include <exception>
#include <string_view>
#include <typeinfo>
#include <utility>

namespace workit::workers {
namespace {

constexpr std::size_t most_causes = 16;
constexpr std::string_view further = " (further causes are cut)";

/// std::throw_with_nested(e) throws a std::_Nested_exception<E>, whose first base is the E that was meant.
const std::type_info& meant_type(const std::type_info& thrown) {
  constexpr std::string_view nested = "St17_Nested_exceptionI";
  const auto* type = dynamic_cast<const abi::__vmi_class_type_info*>(&thrown);
  if (type == nullptr || type->__base_count == 0 || !std::string_view(type->name()).starts_with(nested)) return thrown;
  return *type->__base_info[0].__base_type;
}

std::string type_of_current_exception() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (type == nullptr) return "an exception of another language";
  return boost::core::demangle(meant_type(*type).name());
}

std::string what_of_current_exception() {
  try {
    throw;
  } catch (const std::exception& e) {
    const char* what = e.what();
    return what != nullptr ? what : "";
  } catch (const std::string& text) {
    return text;
  } catch (const char* text) {
    return text != nullptr ? text : "";
  } catch (...) {
    return "it does not derive from std::exception";
  }
}

std::vector<std::exception_ptr> causes_of_current_exception() {
  std::vector<std::exception_ptr> causes;
  try {
    throw;
  } catch (const std::nested_exception& e) {
    if (e.nested_ptr() != nullptr) causes.push_back(e.nested_ptr());
  } catch (...) {
  }
  try {
    throw;
  } catch (const aggregate_error& e) {
    causes.insert(causes.end(), e.errors().begin(), e.errors().end());
  } catch (...) {
  }
  return causes;
}

void describe(std::vector<exception_text>& all) {
  all.push_back({type_of_current_exception(), what_of_current_exception()});
  for (const auto& cause : causes_of_current_exception()) {
    if (all.size() > most_causes) {
      if (!all.back().message.ends_with(further)) all.back().message += further;
      return;
    }
    try {
      std::rethrow_exception(cause);
    } catch (...) {
      describe(all);
    }
  }
}

}  // namespace

std::vector<exception_text> describe_current_exception() {
  std::vector<exception_text> all;
  describe(all);
  return all;
}

std::string sentence_of_current_exception() {
  auto all = describe_current_exception();
  auto thrown = std::move(all.front());
  all.erase(all.begin());
  return remote_error(std::move(thrown.type), std::move(thrown.message), {}, {}, std::move(all)).what();
}

}  // namespace workit::workers
