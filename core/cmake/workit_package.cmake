# workit_package: install and export, for find_package(workit).

include(CMakePackageConfigHelpers)
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
