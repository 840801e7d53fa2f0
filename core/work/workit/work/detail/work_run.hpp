// work_run: the compiled part of one run of a work(): places, starts, ends.
#pragma once

#include <deque>
#include <workit/scope/detail/slot.hpp>
#include <workit/wait/mutex.hpp>
#include <workit/work/detail/work_plan.hpp>

namespace workit::detail {

class fiber;
class work_item;

/// Where one item is kept while it is under way; used again for later ones.
struct work_place {
  virtual ~work_place() = default;
  /// Destroys what is left of the item.
  virtual void clear() noexcept = 0;

  std::size_t index = 0;
  std::size_t attempts = 0;
  bool filtered = false;
};

/// How an item ended: as its task did, but that one that was filtered out counts as cancelled.
struct work_end {
  work_id task = 0;
  const std::string& name;
  task_status how = task_status::pending;
  std::exception_ptr error{};
  std::optional<cancel_reason> why{};
};

enum class work_mode : std::uint8_t { fail, tolerate, partial };

/// Lets one through at a time, `spacing` apart at least, first come, first served. A caller that is cancelled while
/// it waits delays none behind it. Threads: the home loop's.
class pacer {
 public:
  explicit pacer(duration spacing) noexcept : spacing_(spacing) {}
  /// Blocks: the fiber. Cancel: is a cancel point when there is a limit.
  void wait(context& ctx);

 private:
  const duration spacing_;
  mutex turn_;
  time_point next_{};
};

/// One run, on the frame of the function that runs it, or in a stream. What knows the types derives from it.
/// Threads: the home loop's.
class work_run {
 public:
  work_run(const work_plan& plan, work_mode mode, bool reports_progress);
  work_run(const work_run&) = delete;
  work_run& operator=(const work_run&) = delete;

  /// Opens the scope `name` below `ctx` and drives all items in it; they are named `name`-item-0, -1, ... When it is
  /// left, by whatever way, all have ended and the source is gone.
  /// Blocks, Cancel, Errors: as work_builder::for_each says.
  void run(context& ctx, const char* name);
  /// Why it ended early; none unless the mode is partial.
  [[nodiscard]] const std::optional<cancel_reason>& stopped() const noexcept { return stopped_; }

 protected:
  virtual ~work_run();

  // What knows the types. The first three are called on the driver's fiber.
  virtual std::unique_ptr<work_place> make_place() = 0;
  /// Puts the next item into the place; false at the end. May suspend.
  virtual bool pull(context& ctx, work_place& place) = 0;
  virtual void drop_source() noexcept = 0;
  /// Takes the item through the stages, once, on the item's fiber; false when a filter drops it.
  virtual bool flow(context& ctx, work_place& place) = 0;
  /// Tells the hook, then keeps what is to be returned.
  virtual void settle(work_place& place, const work_end& end) = 0;
  virtual void tell_progress(work_place& place, work_id task, const event::progress& said) = 0;

  /// An item has ended; its value, if there is one, is in the place. From here on the place is free.
  virtual void ended(std::unique_ptr<work_place> place, bool has_value);
  /// The place is free.
  void free(std::unique_ptr<work_place> place);
  /// A place may have become free.
  void wake_driver() noexcept;
  /// A hook has thrown what is being handled: says so as an event::log of the scope.
  void hook_failed(const char* hook, std::size_t index) noexcept;

 private:
  friend class work_item;

  void drive(workit::scope& s);
  void start_all(workit::scope& s);
  void start(std::unique_ptr<work_place> place);
  void call_item(work_place& place, context& ctx);
  void call_attempts(work_place& place, context& ctx);
  void item_ended(work_item& item) noexcept;
  void judge(const work_item& item, work_end& end);
  void fail(const work_item& item, std::exception_ptr error);

  const work_plan& plan_;
  const work_mode mode_;
  const bool reports_progress_;
  const char* name_ = "";
  pacer pacer_;
  std::optional<jitter> random_;
  fiber* self_ = nullptr;        // the driver's
  scope_node* scope_ = nullptr;  // of the items
  std::size_t next_index_ = 0;
  std::size_t in_use_ = 0;   // places that are not free
  std::size_t running_ = 0;  // items that have started and not settled
  std::vector<std::unique_ptr<work_place>> free_;
  bool some_cancelled_ = false;
  std::exception_ptr failure_;  // what the run throws, unless the scope knows
  std::optional<cancel_reason> stopped_;
};

class stream_pump;

/// A run whose values a consumer takes, one after the other.
class stream_run : public work_run {
 public:
  stream_run(context& ctx, const work_plan& plan, bool reports_progress);

  /// A place with a value; null at the end. The first call starts the run, below what the stream was made in.
  /// Blocks: the fiber. Cancel: is a cancel point. Errors: the run's, once.
  std::unique_ptr<work_place> next();
  /// The value was taken.
  void taken(std::unique_ptr<work_place> place);
  /// Ends the run and waits until it has ended. Blocks: the fiber.
  void close() noexcept;

 protected:
  ~stream_run() override;

 private:
  friend class stream_pump;

  void ended(std::unique_ptr<work_place> place, bool has_value) override;
  void start();
  void pump_ended() noexcept;

  node& below_;
  std::shared_ptr<stream_pump> pump_;
  std::deque<std::unique_ptr<work_place>> ready_;  // in the order in which they were
  fiber* consumer_ = nullptr;                      // while it waits
  bool over_ = false;                              // the pump has ended
  bool told_ = false;                              // and the consumer knows how
};

}  // namespace workit::detail
