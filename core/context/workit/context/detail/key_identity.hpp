// key_identity: a number that no other key of the process has, and a name for people.
#pragma once

#include <cstdint>
#include <string>

namespace workit::detail {

/// Base of the key objects. Numbers are small and never used twice, so that a key made where another has died is not
/// taken for it. Threads: any. Errors: std::invalid_argument for a name that has not 1 to 128
/// bytes.
class key_identity {
 public:
  key_identity(const key_identity&) = delete;
  key_identity& operator=(const key_identity&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

 protected:
  explicit key_identity(std::string name);
  ~key_identity() = default;

 private:
  const std::string name_;
  const std::uint64_t number_;
};

}  // namespace workit::detail
