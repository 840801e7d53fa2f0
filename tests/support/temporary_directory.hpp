// A folder that is gone when the test is over, with all that a victim has left in it.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace workit::test {

class temporary_directory {
 public:
  temporary_directory() {
    std::string pattern = (root() / "workit_test_XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make the folder " + pattern);
    path_ = pattern;
  }
  ~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;

  /// Writes a file into the folder and returns its path.
  std::filesystem::path write(const std::string& name, std::string_view content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path_ / name;
  }

  /// The path that a file of this name has or would have.
  [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }
  [[nodiscard]] bool has(const std::string& name) const { return std::filesystem::exists(path_ / name); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  /// In memory, where there is such a place: a heartbeat is a mapped file, written without pause, and its removal from
  /// a disk was seen to wait for seconds until the disk had caught up.
  static std::filesystem::path root() {
    return access("/dev/shm", W_OK) == 0 ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path();
  }

  std::filesystem::path path_;
};

}  // namespace workit::test
