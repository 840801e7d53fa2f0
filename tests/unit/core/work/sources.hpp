// Sources for the tests of work(): endless, single-pass, and they tell when they are gone.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <support/error_of.hpp>
#include <support/fixture.hpp>
#include <vector>
#include <workit/compose.hpp>
#include <workit/work.hpp>

namespace workit::test {

/// What a source has done, and whether it is still there.
struct source_log {
  int produced = 0;
  std::weak_ptr<int> alive;
  [[nodiscard]] bool gone() const { return alive.expired(); }
};

/// 0, 1, 2, ... up to `number`; an input range that can only be moved, made as it is read, as a generator is.
class numbers {
 public:
  explicit numbers(source_log& log, int number = 1'000'000'000)
      : log_(&log), number_(number), alive_(std::make_shared<int>(0)) {
    log.alive = alive_;
  }
  numbers(numbers&&) = default;
  numbers& operator=(numbers&&) = default;

  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    explicit iterator(numbers& of) : of_(&of) { produce(); }
    iterator(iterator&&) = default;
    iterator& operator=(iterator&&) = default;
    int operator*() const { return at_; }
    iterator& operator++() {
      ++at_;
      produce();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& i, std::default_sentinel_t) { return i.at_end(); }

   private:
    [[nodiscard]] bool at_end() const { return at_ >= of_->number_; }
    void produce() {
      if (!at_end()) ++of_->log_->produced;
    }
    numbers* of_;
    int at_ = 0;
  };
  iterator begin() { return iterator(*this); }
  static std::default_sentinel_t end() { return {}; }

 private:
  source_log* log_;
  int number_;
  std::shared_ptr<int> alive_;
};
static_assert(std::ranges::input_range<numbers> && !std::ranges::forward_range<numbers>);

/// How many items are at work, and how many there were at most.
struct crowd {
  int active = 0, most = 0, started = 0, finished = 0;
  std::vector<std::string> heard;

  /// A stage that counts itself, its cleanup included, and returns what it was given.
  auto member(duration takes) {
    return [this, takes](context& ctx, int row) {
      ++started;
      most = std::max(most, ++active);
      ctx.defer([this] { --active; });
      try {
        ctx.sleep_for(takes);
      } catch (const cancelled& c) {
        heard.emplace_back(describe(c.why()));
        throw;
      }
      ++finished;
      return row;
    };
  }
};

/// Fails for odd numbers.
inline int even_only(int row) {
  if (row % 2 != 0) throw std::runtime_error("odd " + std::to_string(row));
  return row;
}

}  // namespace workit::test
