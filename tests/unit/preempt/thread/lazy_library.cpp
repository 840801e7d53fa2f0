// A library with many small functions that call each other by way of the dynamic linker, which binds each at its first
// call.
#define WORKIT_TEN(f, n) f(n##0) f(n##1) f(n##2) f(n##3) f(n##4) f(n##5) f(n##6) f(n##7) f(n##8) f(n##9)
#define WORKIT_FUNCTIONS(f)                                                                                       \
  WORKIT_TEN(f, )                                                                                                 \
  WORKIT_TEN(f, 1)                                                                                                \
  WORKIT_TEN(f, 2)                                                                                                \
  WORKIT_TEN(f, 3)                                                                                                \
  WORKIT_TEN(f, 4)                                                                                                \
  WORKIT_TEN(f, 5)                                                                                                \
  WORKIT_TEN(f, 6)                                                                                                \
  WORKIT_TEN(f, 7)                                                                                                \
  WORKIT_TEN(f, 8) WORKIT_TEN(f, 9) WORKIT_TEN(f, 10) WORKIT_TEN(f, 11) WORKIT_TEN(f, 12) WORKIT_TEN(f, 13)       \
      WORKIT_TEN(f, 14) WORKIT_TEN(f, 15) WORKIT_TEN(f, 16) WORKIT_TEN(f, 17) WORKIT_TEN(f, 18) WORKIT_TEN(f, 19) \
          WORKIT_TEN(f, 20) WORKIT_TEN(f, 21) WORKIT_TEN(f, 22) WORKIT_TEN(f, 23) WORKIT_TEN(f, 24) f(250) f(251) \
              f(252) f(253) f(254) f(255)

#define WORKIT_DEFINE(n) \
  extern "C" [[gnu::visibility("default"), gnu::noinline]] int workit_lazy_##n() { return n; }
WORKIT_FUNCTIONS(WORKIT_DEFINE)

#define WORKIT_CALL(n) sum += workit_lazy_##n();
extern "C" [[gnu::visibility("default")]] int call_all() {
  int sum = 0;
  WORKIT_FUNCTIONS(WORKIT_CALL)
  return sum;
}
