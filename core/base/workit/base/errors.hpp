// The errors that callers see. `cancelled`, which is no error, is in <workit/base/cancelled.hpp>; what can become of
// a task behind a worker boundary is in <workit/base/worker_errors.hpp>.
#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <vector>
#include <workit/base/reason.hpp>
#include <workit/base/time_span.hpp>

namespace workit {

/// Base of the runtime's errors; what() is a sentence that names the work and what happened to it.
class error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The task that was waited for was cancelled; the waiting scope was not.
class task_cancelled : public error {
 public:
  task_cancelled(cancel_reason why, std::string task);
  [[nodiscard]] const cancel_reason& why() const noexcept { return why_; }
  [[nodiscard]] const std::string& task() const noexcept { return task_; }

 private:
  cancel_reason why_;
  std::string task_;
};

/// A scope was cancelled and its body left by that; thrown where the scope was opened, if that is not stopping too.
class scope_cancelled : public error {
 public:
  scope_cancelled(cancel_reason why, std::string scope);
  [[nodiscard]] const cancel_reason& why() const noexcept { return why_; }

 private:
  cancel_reason why_;
};

/// A deadline or time limit passed. An error like any other: retries and fallbacks see it.
class timed_out : public error {
 public:
  /// `how`: what more there is to say, as in "it never began".
  explicit timed_out(std::string what, time_span limit, const std::string& how = {});
  /// The time that was allowed, zero or less when nothing could begin; duration::max() when only an instant was given.
  [[nodiscard]] duration limit() const noexcept { return limit_; }

 private:
  duration limit_;
};

/// A charge did not fit into a budget. Nothing was charged, and the scope that owns the budget is being cancelled.
class budget_exceeded : public error {
 public:
  explicit budget_exceeded(reason::budget why);
  /// The name of the budget's key.
  [[nodiscard]] const std::string& key() const noexcept { return why_.key; }
  [[nodiscard]] const std::string& unit() const noexcept { return why_.unit; }
  [[nodiscard]] const amount& limit() const noexcept { return why_.limit; }
  /// What the charge would have brought it to: more than the limit.
  [[nodiscard]] const amount& spent() const noexcept { return why_.spent; }
  /// The charge.
  [[nodiscard]] const amount& attempted() const noexcept { return why_.attempted; }

 private:
  reason::budget why_;
};

/// A charge on a key for which neither the scope nor one above it has a budget.
class budget_not_set : public error {
 public:
  budget_not_set(std::string key, const std::string& scope);
  [[nodiscard]] const std::string& key() const noexcept { return key_; }

 private:
  std::string key_;
};

/// A context value that was asked for is not set, and its key has no default.
class value_not_set : public error {
 public:
  value_not_set(std::string key, const std::string& scope);
  [[nodiscard]] const std::string& key() const noexcept { return key_; }

 private:
  std::string key_;
};

/// An amount that cannot be: negative, not finite, too large, or finer than what it is an amount of.
class invalid_amount : public error {
 public:
  explicit invalid_amount(const std::string& given);
  /// It has more than `digits` decimal digits.
  invalid_amount(const std::string& given, unsigned digits);
};

/// All candidates failed; what() says of what.
class aggregate_error : public error {
 public:
  aggregate_error(const std::string& what, std::vector<std::exception_ptr> errors);
  /// One for each candidate, in the order in which they failed.
  [[nodiscard]] const std::vector<std::exception_ptr>& errors() const noexcept { return errors_; }

 private:
  std::vector<std::exception_ptr> errors_;
};

/// A circuit breaker refused the call: what it guards has failed too often of late.
class circuit_open : public error {
 public:
  circuit_open(std::string circuit, time_span retry_after);
  /// How long until trial calls are let through; zero while they are under way.
  [[nodiscard]] duration retry_after() const noexcept { return retry_after_; }

 private:
  duration retry_after_;
};

/// A scope was not opened, since its fiber's stack has no room left for what a scope needs; nothing began.
class stack_exhausted : public error {
 public:
  /// `left` bytes, of which a scope needs `needed`.
  stack_exhausted(const std::string& scope, std::size_t left, std::size_t needed);
};

/// A worker, pool or service could not be started; what() says what to do.
class start_failed : public error {
 public:
  using error::error;
};

}  // namespace workit
