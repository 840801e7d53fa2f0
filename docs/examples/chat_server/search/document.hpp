// One text of the corpus under its name.
#pragma once

#include <string>

namespace chat {

/// What is searched, ranked and shown: UTF-8, one line, no limit on its length.
struct document {
  std::string name;
  std::string text;
};

}  // namespace chat
