# workit_dependencies: finds what the libraries stand on, and proves that it works.

find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS fiber context)
find_package(TBB 2021 REQUIRED)

# Headers and libraries of different Boost versions link and then crash (Debian 12 carries two of them): run one fiber.
if(NOT CMAKE_CROSSCOMPILING AND NOT DEFINED WORKIT_BOOST_FIBER_RUNS)
  file(WRITE ${CMAKE_BINARY_DIR}/boost_fiber_check.cpp [[
#include <boost/fiber/all.hpp>
int main() {
  int ran = 0;
  boost::fibers::fiber f([&] { boost::this_fiber::yield(); ran = 1; });
  f.join();
  return ran == 1 ? 0 : 1;
}
]])
  try_run(workit_fiber_exit workit_fiber_compiles
    ${CMAKE_BINARY_DIR}/boost_fiber_check ${CMAKE_BINARY_DIR}/boost_fiber_check.cpp
    LINK_LIBRARIES Boost::fiber Boost::context Threads::Threads
    CXX_STANDARD 20 COMPILE_OUTPUT_VARIABLE workit_fiber_log)
  if(NOT workit_fiber_compiles)
    message(FATAL_ERROR "A program with one Boost fiber does not build:\n${workit_fiber_log}")
  elseif(NOT workit_fiber_exit EQUAL 0)
    message(FATAL_ERROR "A program with one Boost fiber crashes (${workit_fiber_exit}): the Boost headers in "
      "${Boost_INCLUDE_DIRS} (${Boost_VERSION}) do not belong to the library that was linked. "
      "On Debian 12, install libboost1.81-dev and libboost-fiber1.81-dev and remove libboost-dev (1.74).")
  endif()
  set(WORKIT_BOOST_FIBER_RUNS ON CACHE INTERNAL "One Boost fiber ran")
endif()
