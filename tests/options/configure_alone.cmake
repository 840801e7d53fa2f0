# Configures SOURCE in SCRATCH with OPTION on and its kin off, then builds TARGET, if one is named.
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE ${SCRATCH})
set(options)
foreach(each IN ITEMS WORKIT_BUILD_TESTS WORKIT_BUILD_EXAMPLES WORKIT_BUILD_LATENCY WORKIT_BUILD_BENCH)
  list(APPEND options -D${each}=OFF)
endforeach()
execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${SCRATCH} -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER}
  -DCMAKE_BUILD_TYPE=Debug -DWORKIT_BOOST_FIBER_RUNS=ON ${options} -D${OPTION}=ON COMMAND_ERROR_IS_FATAL ANY)
if(NOT "${TARGET}" STREQUAL "")
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${SCRATCH} --target ${TARGET} COMMAND_ERROR_IS_FATAL ANY)
endif()
