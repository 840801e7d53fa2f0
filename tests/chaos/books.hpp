// The driver's own books, kept beside the library's: what was begun has to end, and what was promised has to happen.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace workit::chaos {

/// Counts of one season. Threads: any.
class books {
 public:
  std::atomic<std::int64_t> bodies{0};            ///< functions given to the library that it has not destroyed yet
  std::atomic<std::uint64_t> begun{0}, ended{0};  ///< operations
  std::atomic<std::uint64_t> values{0}, failures{0}, stopped{0};  ///< how their parts ended
  std::atomic<std::uint64_t> cleanups_given{0}, cleanups_run{0};
  std::atomic<std::uint64_t> roots{0}, receipts{0};
  std::atomic<std::uint64_t> kills{0};  ///< processes that the driver has killed from outside

  /// Notes what must not be; the first twenty are kept.
  void complain(std::string sentence);
  /// The complaints, and what does not balance at a quiet point.
  [[nodiscard]] std::vector<std::string> wrong() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> complaints_;  // guarded by mutex_
};

/// Lives as long as the function that captures it.
class token {
 public:
  explicit token(books& in) noexcept : in_(&in) { in_->bodies.fetch_add(1); }
  token(const token& other) noexcept : token(*other.in_) {}
  token& operator=(const token&) = delete;
  ~token() { in_->bodies.fetch_sub(1); }

 private:
  books* in_;
};

/// The message of an exception, with its type.
[[nodiscard]] std::string words_of(const std::exception_ptr& error);

}  // namespace workit::chaos
