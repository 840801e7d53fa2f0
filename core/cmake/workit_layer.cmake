# workit_layer: what every layer's library has in common.

add_library(workit_build INTERFACE)  # for the project's own code only: warnings and sanitizers
target_compile_options(workit_build INTERFACE -Wall -Wextra -Wpedantic -Werror=return-type
  $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local>)
if(WORKIT_SANITIZE STREQUAL "address")
  target_compile_options(workit_build INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(workit_build INTERFACE -fsanitize=address,undefined)
elseif(WORKIT_SANITIZE STREQUAL "thread")
  target_compile_options(workit_build INTERFACE -fsanitize=thread -Wno-tsan)
  target_link_options(workit_build INTERFACE -fsanitize=thread)
elseif(NOT WORKIT_SANITIZE STREQUAL "")
  message(FATAL_ERROR "WORKIT_SANITIZE is \"${WORKIT_SANITIZE}\"; it may be empty, address or thread.")
endif()
if(WORKIT_COVERAGE)
  target_compile_options(workit_build INTERFACE --coverage)
  target_link_options(workit_build INTERFACE --coverage)
endif()

# workit_layer(NAME TARGET [FOLDER dir] [DEPENDS target...]): makes TARGET the layer workit::NAME. Its public headers
# are those under <folder>/workit; it sees the layers it names and no others, so a wrong include does not compile.
function(workit_layer name target)
  cmake_parse_arguments(layer "" "" "DEPENDS" ${ARGN})
  add_library(workit::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} PUBLIC ${layer_DEPENDS} PRIVATE $<BUILD_INTERFACE:workit_build>)
  install(TARGETS ${target} EXPORT workit_targets)
  install(DIRECTORY workit DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
endfunction()
