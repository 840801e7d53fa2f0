// Type and what() of the exception being handled, by the C++ ABI's own bookkeeping (Itanium C++ ABI, 2.5).
#include "exception_info.hpp"

#include <cxxabi.h>

#include <boost/core/demangle.hpp>
#include <exception>
#include <typeinfo>

namespace workit::workers {
namespace {

std::string type_of_current_exception() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (type == nullptr) return "an exception of another language";
  return boost::core::demangle(type->name());
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

}  // namespace

exception_info describe_current_exception() { return {type_of_current_exception(), what_of_current_exception()}; }

}  // namespace workit::workers
