// EXPECT_REFUSED: an option that cannot be is an error with a sentence, and the process goes on.
#pragma once

#include <gmock/gmock.h>

#include <stdexcept>

/// The statement throws std::invalid_argument whose sentence contains a match of the regular expression.
#define EXPECT_REFUSED(statement, sentence) \
  EXPECT_THAT([&] { statement; }, ::testing::ThrowsMessage<std::invalid_argument>(::testing::ContainsRegex(sentence)))
