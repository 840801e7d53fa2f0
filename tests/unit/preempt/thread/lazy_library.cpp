// A library of two hundred small functions that are called by way of the dynamic linker, which binds each at its first
// call.
#define WORKIT_TEN(f, n) f(n##0) f(n##1) f(n##2) f(n##3) f(n##4) f(n##5) f(n##6) f(n##7) f(n##8) f(n##9)
#define WORKIT_FIFTY(f, n, a, b, c, d, e) \
  WORKIT_TEN(f, n##a) WORKIT_TEN(f, n##b) WORKIT_TEN(f, n##c) WORKIT_TEN(f, n##d) WORKIT_TEN(f, n##e)
#define WORKIT_HUNDRED(f, n) WORKIT_FIFTY(f, n, 0, 1, 2, 3, 4) WORKIT_FIFTY(f, n, 5, 6, 7, 8, 9)

#define WORKIT_DEFINE(n) \
  extern "C" [[gnu::visibility("default"), gnu::noinline]] int workit_lazy_##n() { return n; }
WORKIT_HUNDRED(WORKIT_DEFINE, 1)
WORKIT_HUNDRED(WORKIT_DEFINE, 2)

#define WORKIT_CALL(n) sum += workit_lazy_##n();
extern "C" [[gnu::visibility("default")]] int call_all() {
  int sum = 0;
  WORKIT_HUNDRED(WORKIT_CALL, 1)
  WORKIT_HUNDRED(WORKIT_CALL, 2)
  return sum;
}
