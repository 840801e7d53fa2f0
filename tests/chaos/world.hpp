// What the operations of a season share.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>
#include <workit/workit.hpp>

#include "books.hpp"

namespace workit::chaos {

/// Numbers from a seed (SplitMix64, https://prng.di.unimi.it/splitmix64.c): one for each fiber, since a generator is
/// not shared.
class draws {
 public:
  explicit draws(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t operator()() noexcept {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  /// 0 to n - 1.
  std::uint64_t below(std::uint64_t n) noexcept { return (*this)() % n; }
  bool one_in(std::uint64_t n) noexcept { return below(n) == 0; }
  std::chrono::microseconds us(std::uint64_t most) noexcept {
    return std::chrono::microseconds(static_cast<std::int64_t>(below(most + 1)));
  }

 private:
  std::uint64_t state_;
};

/// Scopes that any thread and fiber may reach into, open ones and closed ones. Threads: any.
class board {
 public:
  void put(remote_scope scope, std::uint64_t where) {
    const std::lock_guard lock(mutex_);
    if (scopes_.size() < places)
      scopes_.push_back(std::move(scope));
    else
      scopes_[where % places] = std::move(scope);
  }
  [[nodiscard]] std::optional<remote_scope> take(std::uint64_t where) const {
    const std::lock_guard lock(mutex_);
    if (scopes_.empty()) return std::nullopt;
    return scopes_[where % scopes_.size()];
  }

 private:
  static constexpr std::size_t places = 16;
  mutable std::mutex mutex_;
  std::vector<remote_scope> scopes_;  // guarded by mutex_
};

struct world {
  runtime& rt;
  books& own;
  board& scopes;
  std::vector<boundary> boundaries;        ///< that the runtime has pools for
  std::vector<std::string> process_pools;  ///< by name
  bool troubled = false;                   ///< the driver kills workers, zygotes, and takes descriptors away
};

}  // namespace workit::chaos
