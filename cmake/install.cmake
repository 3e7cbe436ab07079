# What others embed: one archive, the headers under include/httpdyno, a package for CMake and one for pkg-config.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Not from `net` and `server`: their compile options are ours, not our users'.
add_library(httpdyno STATIC $<TARGET_OBJECTS:net_objects> $<TARGET_OBJECTS:server_objects> $<TARGET_OBJECTS:build_info>)
target_include_directories(httpdyno INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(httpdyno INTERFACE cxx_std_20)
target_compile_definitions(httpdyno INTERFACE HTTPDYNO_SIMD=$<BOOL:${HTTPDYNO_SIMD}>)
target_link_libraries(httpdyno INTERFACE Threads::Threads fmt::fmt)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/httpdyno)
install(TARGETS httpdyno EXPORT httpdynoTargets ARCHIVE)
install(EXPORT httpdynoTargets NAMESPACE httpdyno:: DESTINATION ${package_dir})
configure_package_config_file(cmake/httpdynoConfig.cmake.in httpdynoConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(httpdynoConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/httpdynoConfig.cmake ${CMAKE_BINARY_DIR}/httpdynoConfigVersion.cmake
  DESTINATION ${package_dir})

# From where the .pc file lies to the prefix: an installed tree may be moved.
file(RELATIVE_PATH to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
set(simd $<BOOL:${HTTPDYNO_SIMD}>)
configure_file(cmake/httpdyno.pc.in httpdyno.pc.configured @ONLY)
file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/httpdyno.pc INPUT ${CMAKE_BINARY_DIR}/httpdyno.pc.configured)
install(FILES ${CMAKE_BINARY_DIR}/httpdyno.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(CODE "execute_process(COMMAND \"${CMAKE_COMMAND}\" -D \"SOURCE_DIR=${CMAKE_SOURCE_DIR}\"
  -D \"OUTPUT=${CMAKE_BINARY_DIR}/include\" -P \"${CMAKE_SOURCE_DIR}/cmake/stage_headers.cmake\"
  COMMAND_ERROR_IS_FATAL ANY)")
install(DIRECTORY ${CMAKE_BINARY_DIR}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
