// A program whose libstdc++ and libgcc are linked statically: prints why its threads cannot be stopped.
#include <cstdio>
#include <workit/preempt/stoppable_thread.hpp>

int main() { std::puts(workit::preempt::why_unsupported().c_str()); }
