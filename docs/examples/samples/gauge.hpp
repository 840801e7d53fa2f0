// How many are at work, and how many were at most.
#pragma once

namespace sample {

/// No lock: the fibers of a scope tree share one thread.
class gauge {
 public:
  /// One more for as long as this lives.
  class [[nodiscard]] entry {
   public:
    explicit entry(gauge& in) : in_(in) {
      if (++in_.now_ > in_.most_) in_.most_ = in_.now_;
    }
    ~entry() { --in_.now_; }
    entry(const entry&) = delete;
    entry& operator=(const entry&) = delete;

   private:
    gauge& in_;
  };

  [[nodiscard]] int now() const noexcept { return now_; }
  [[nodiscard]] int most() const noexcept { return most_; }

 private:
  int now_ = 0;
  int most_ = 0;
};

}  // namespace sample
