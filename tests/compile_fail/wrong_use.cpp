// Mistakes in the use of the face, each on a line of its own, and what the compiler says of it.
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <workit/workit.hpp>

using namespace std::chrono_literals;

int work(workit::context&);
int add(int, int);
void fill(std::vector<int>&);
int* address(int);
int read_at(const int*);
struct model {
  int score(int);
};
struct no_default {
  explicit no_default(int);
  int value;
};
no_default make(int);
std::string_view view(int);

// Times and their units.
void times(workit::scope& s) {
  (void)workit::scope_options{.deadline = 100};     // says: a time needs its unit
  (void)workit::offload_options{.timeout = 100u};   // says: a time needs its unit
  (void)workit::timeout(1.5, work);                 // says: a time needs its unit
  s.sleep_for(100L);                                // says: a time needs its unit
  s.sleep_until(std::chrono::system_clock::now());  // says: a deadline is an instant of std::chrono::steady_clock
}

// Options and functions in the wrong order.
void order(workit::runtime& rt, workit::scope& s) {
  s.spawn([](workit::context&) {}, {.name = "x"});              // says: options stand before the function
  s.scope([](workit::scope&) {}, {.deadline = 1ms});            // says: options stand before the function
  s.defer([] {}, {.timeout = 1ms});                             // says: options stand before the function
  rt.run([](workit::scope&) {}, {.deadline = 2ms});             // says: options stand before the function
  rt.spawn([](workit::scope&) {}, {.deadline = 3ms});           // says: options stand before the function
  workit::timeout([](workit::context&) {}, 4ms);                // says: options stand before the function
  workit::retry([](workit::context&) {}, {.times = 3});         // says: options stand before the function
  workit::offload(add, {.timeout = 5ms});                       // says: options stand before the function
  (void)workit::offload(add, 1, 2, workit::offload_options{});  // says: options stand before the function
}

// Functions that take something else.
void wrong_functions(workit::runtime& rt, workit::scope& s) {
  s.spawn([](int) {});                         // says: a task function is called as
  s.spawn({.name = "x"}, [](std::string) {});  // says: a task function is called as
  s.spawn(&model::score);                      // says: a task function is called as
  (void)workit::timeout(1s, [](int) {});       // says: a task function is called as
  (void)workit::retry([](int) {});             // says: a task function is called as
  s.defer([](int) {});                         // says: a cleanup is called as
  rt.run([](int) {});                          // says: the body of a scope is called as
  rt.run([] {});                               // says: the body of a scope is called as
  s.scope([](workit::scope) {});               // says: the body of a scope is called as
  const auto limited = workit::timeout(1s, work);
  rt.run(limited);  // says: the body of a scope is called as
}

// Task functions that never run.
void never_run(workit::runtime& rt, workit::scope& s, workit::remote_scope remote) {
  workit::offload(add, 1, 2);                               // says: a task function does nothing until it is called
  workit::offload({.timeout = 1s}, add, 1, 2);              // says: a task function does nothing until it is called
  workit::race(work, work);                                 // says: a task function does nothing until it is called
  s.spawn([] { return workit::offload(add, 1, 2); });       // says: returns a task function, and so it never runs
  remote.spawn([] { return workit::offload(add, 1, 2); });  // says: returns a task function, and so it never runs
  (void)workit::retry(
      [] { return workit::offload(add, 1, 2); });  // says: returns a task function, and so it never runs
  rt.run(
      [](workit::scope&) { return workit::timeout(1s, work); });  // says: returns a task function, and so it never runs
}

// What cannot cross into another process.
void crossing(int captured) {
  (void)workit::offload(
      [&captured] { return captured; });  // says: a lambda that captures would carry addresses of this process
  (void)workit::offload(std::function<int()>(), 1);  // says: a std::function holds addresses of this process
  (void)workit::offload(&model::score, model{}, 1);  // says: a member function needs its object
  (void)workit::offload(address, 1);                 // says: a pointer is an address in this process and cannot travel
  (void)workit::offload(read_at, &captured);         // says: a pointer is an address in this process and cannot travel
  (void)workit::offload([](std::unique_ptr<int>) {}, nullptr);  // says: a std::unique_ptr owns memory of this process
  (void)workit::offload(make, 1);                   // says: this type, or one of its elements, cannot travel
  (void)workit::offload(view, 1);                   // says: a std::string_view only views memory of this process
  (void)workit::offload(fill, std::vector<int>());  // says: the function takes a non-const reference
  (void)workit::offload(add, std::string("x"), 1);  // says: an argument does not convert
  (void)workit::offload(add, 1);                    // says: the number of arguments is not that of the function
}
