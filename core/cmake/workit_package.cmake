# workit_package: install and export, for find_package(workit).

include(CMakePackageConfigHelpers)

# Debug information is more than nine tenths of an archive, and of the programs that link it.
option(WORKIT_INSTALL_DEBUG_INFO "Leave the debug information in the installed libraries" OFF)
get_property(workit_installed GLOBAL PROPERTY workit_installed_libraries)
if(CMAKE_STRIP AND NOT WORKIT_INSTALL_DEBUG_INFO)
  foreach(target IN LISTS workit_installed)
    cmake_path(APPEND CMAKE_INSTALL_LIBDIR $<TARGET_FILE_NAME:${target}> OUTPUT_VARIABLE file)
    install(CODE "
file(REAL_PATH \"${file}\" installed BASE_DIRECTORY \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}\")
execute_process(COMMAND \"${CMAKE_STRIP}\" --strip-debug \"\${installed}\" COMMAND_ERROR_IS_FATAL ANY)")
  endforeach()
endif()
add_custom_target(workit_libraries DEPENDS ${workit_installed})  # all of them, and nothing else

install(EXPORT workit_targets NAMESPACE workit:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/workit)
file(WRITE ${CMAKE_BINARY_DIR}/workit-config.cmake [[
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(Boost 1.81 COMPONENTS fiber context)
find_dependency(TBB 2021)
include(${CMAKE_CURRENT_LIST_DIR}/workit_targets.cmake)
]])
write_basic_package_version_file(${CMAKE_BINARY_DIR}/workit-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/workit-config.cmake ${CMAKE_BINARY_DIR}/workit-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/workit)
