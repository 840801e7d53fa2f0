// A copy of the real model with something changed, to show that a wrong model is noticed.
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include <support/temporary_directory.hpp>
#include "model_directory.hpp"

namespace chat::test {

/// A folder with links to the model's files, of which one JSON file is replaced by change(its content).
class altered_model {
 public:
  template <typename Change>
  altered_model(const std::string& changed_file, Change change) {
    for (const auto& file : std::filesystem::directory_iterator(model_directory())) {
      const auto name = file.path().filename();
      if (name != changed_file)
        std::filesystem::create_symlink(std::filesystem::absolute(file.path()), folder_.path() / name);
    }
    nlohmann::json content = nlohmann::json::parse(std::ifstream(model_directory() / changed_file));
    change(content);
    folder_.write(changed_file, content.dump());
  }

  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }

 private:
  workit::test::temporary_directory folder_;
};

}  // namespace chat::test
