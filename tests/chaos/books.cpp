// What balances at a quiet point.
#include "books.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <typeinfo>

namespace workit::chaos {

void books::complain(std::string sentence) {
  constexpr std::size_t most = 20;
  const std::lock_guard lock(mutex_);
  if (complaints_.size() < most) complaints_.push_back(std::move(sentence));
}

std::vector<std::string> books::wrong() const {
  std::vector<std::string> all;
  {
    const std::lock_guard lock(mutex_);
    all = complaints_;
  }
  const auto balance = [&](const char* what, std::uint64_t given, std::uint64_t got) {
    if (given != got) all.push_back(std::string(what) + ": " + std::to_string(given) + ", but " + std::to_string(got));
  };
  balance("operations that began, and that ended", begun.load(), ended.load());
  balance("cleanups that were registered, and that ran", cleanups_given.load(), cleanups_run.load());
  balance("scopes that asked for a receipt, and that got one", roots.load(), receipts.load());
  if (const auto left = bodies.load(); left != 0)
    all.push_back("functions that the library still keeps: " + std::to_string(left));
  return all;
}

std::string words_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    int failed = 0;
    const std::unique_ptr<char, decltype(&std::free)> type(
        abi::__cxa_demangle(typeid(e).name(), nullptr, nullptr, &failed), std::free);
    return (failed == 0 ? type.get() : typeid(e).name()) + std::string(": ") + e.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

}  // namespace workit::chaos
