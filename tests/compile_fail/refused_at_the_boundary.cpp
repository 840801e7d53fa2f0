// Callables and arguments that mean something in one process only.
#include <workit/workers/offload.hpp>
#include <workit/workers/with_args.hpp>

struct model {
  int score(int x) { return x; }
};
struct node {
  node* next;
};
struct with_array {
  int values[4];
};
struct with_reference {
  int& value;
};
struct derived : with_array {
  int more;
};
struct seventeen {
  int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q;
};

void refused(const std::function<int(int)>& any, int captured) {
  (void)workit::offload(any, 1);
  (void)workit::offload(&model::score, model{}, 1);
  (void)workit::offload([captured](int x) { return x + captured; }, 1);
  workit::detail::must_travel<node>();
  workit::detail::must_travel<with_array>();
  workit::detail::must_travel<with_reference>();
  workit::detail::must_travel<derived>();
  workit::detail::must_travel<seventeen>();
  (void)workit::with_args([](int x) { return x; }, 1);
}
// expect: workit: a std::function holds addresses of this process
// expect: workit: a member function needs its object, which is in this process
// expect: workit: a lambda that captures would carry addresses of this process
// expect: workit: a pointer is an address in this process and cannot travel
// expect: workit: an aggregate with a C array cannot travel by itself
// expect: workit: an aggregate with a reference cannot travel
// expect: workit: an aggregate with a base class cannot travel by itself
// expect: workit: an aggregate with more than 16 members cannot travel by itself
// expect: workit: a preload or worker_init returns nothing
