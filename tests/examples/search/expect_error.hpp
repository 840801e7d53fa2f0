// Checks the sentence of an exception.
#pragma once

#include <gtest/gtest.h>

#include <string>

namespace chat::test {

/// Fails unless f() throws an `Error` whose text contains every one of `parts`.
template <typename Error, typename F, typename... Part>
void expect_error(F f, const Part&... parts) {
  try {
    f();
  } catch (const Error& error) {
    const std::string text = error.what();
    for (const std::string& part : {std::string(parts)...})
      EXPECT_NE(text.find(part), std::string::npos) << "\"" << text << "\" does not say \"" << part << "\"";
    return;
  }
  FAIL() << "nothing was thrown";
}

}  // namespace chat::test
