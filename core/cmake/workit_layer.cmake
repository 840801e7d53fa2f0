# workit_layer: what every layer's library has in common.

add_library(workit_build INTERFACE)  # for the project's own code only: language, warnings and sanitizers
target_compile_features(workit_build INTERFACE cxx_std_20)
target_compile_options(workit_build INTERFACE -Wall -Wextra -Wpedantic -Werror=return-type
  $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local> $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety;-Werror=thread-safety>)
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

# workit_unity(TARGET): with WORKIT_UNITY, compiles the target's sources in batches, since most of a small source's
# compilation goes into the headers. For tests, examples and bench only: each source of the libraries compiles alone,
# which shows that it includes what it needs.
option(WORKIT_UNITY "Compile the tests' and the bench's sources in batches" OFF)
function(workit_unity target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${WORKIT_UNITY} UNITY_BUILD_BATCH_SIZE 10)
endfunction()

# workit_room(LAYER ROOM [FOLDER dir] [SEES room...] [USES target...]): one room of a layer, an object library of its own
# called workit_room_<layer>_<room>, made of all sources in <dir>. Only the include folders of the rooms and targets that it
# names are on its path, so an include against the arrows of docs/design/0001 does not compile. A room's public headers
# stand in <dir>/workit (if it has any of its own), its private ones beside the sources in <dir> or <dir>/src.
function(workit_room layer room)
  cmake_parse_arguments(room "" "FOLDER" "SEES;USES" ${ARGN})
  set(target workit_room_${layer}_${room})
  set(folder ${CMAKE_CURRENT_SOURCE_DIR}/${room_FOLDER})
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp ${folder}/src/*.cpp)
  set(seen ${room_SEES})
  list(TRANSFORM seen PREPEND workit_room_${layer}_)
  if(sources)
    add_library(${target} OBJECT ${sources})
    set(scope PUBLIC)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF)
    target_link_libraries(${target} PRIVATE workit_build)
    set_property(GLOBAL APPEND PROPERTY workit_${layer}_objects $<TARGET_OBJECTS:${target}>)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_compile_features(${target} ${scope} cxx_std_20)
  target_link_libraries(${target} ${scope} ${seen} ${room_USES})
  if(EXISTS ${folder}/src)
    target_include_directories(${target} ${scope} ${folder} ${folder}/src)
    install(DIRECTORY ${folder}/workit DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
    set_property(GLOBAL APPEND PROPERTY workit_${layer}_folders ${folder})
  else()
    target_include_directories(${target} ${scope} ${folder})
  endif()
endfunction()

# workit_layer(NAME TARGET [DEPENDS target...]): makes the library TARGET, out of the rooms of that name, the layer
# workit::NAME. Its public headers are those under <folder>/workit and those of its rooms; it sees the layers that it
# names and no others.
function(workit_layer name target)
  cmake_parse_arguments(layer "" "" "DEPENDS" ${ARGN})
  get_property(objects GLOBAL PROPERTY workit_${name}_objects)
  get_property(folders GLOBAL PROPERTY workit_${name}_folders)
  target_sources(${target} PRIVATE ${objects})
  add_library(workit::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF LINKER_LANGUAGE CXX)
  target_compile_features(${target} PUBLIC cxx_std_20)
  foreach(folder IN LISTS folders)
    target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${folder}>)
  endforeach()
  target_include_directories(${target} PUBLIC $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} PUBLIC ${layer_DEPENDS} PRIVATE $<BUILD_INTERFACE:workit_build>)
  install(TARGETS ${target} EXPORT workit_targets)
  set_property(GLOBAL APPEND PROPERTY workit_installed_libraries ${target})
  if(NOT folders AND EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/workit)
    target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}>)
    install(DIRECTORY workit DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
  endif()
endfunction()
