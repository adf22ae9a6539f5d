# What packages have beside libraries and programs, and with the prefix /usr (preset package) the packages themselves,
# Debian's, by `cpack`: libtracking-c1, libtracking-dev, tracking-httpd, tracking-cli. They hold what `cmake --install`
# installs, a component each.
set(packaging ${PROJECT_SOURCE_DIR}/packaging)
set(generated_dir ${PROJECT_BINARY_DIR}/packaging)
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(TRACKING_CONF_DIR /etc/tracking)
  set(unit_dir /lib/systemd/system)
else()
  set(TRACKING_CONF_DIR ${CMAKE_INSTALL_FULL_SYSCONFDIR}/tracking)
  set(unit_dir lib/systemd/system)
endif()

if(TARGET tracking-httpd)
  configure_file(${packaging}/tracking-httpd.service.in ${generated_dir}/tracking-httpd.service @ONLY)
  install(FILES ${generated_dir}/tracking-httpd.service DESTINATION ${unit_dir} COMPONENT httpd)
  install(FILES ${packaging}/tracking-httpd.toml DESTINATION ${TRACKING_CONF_DIR} COMPONENT httpd)
endif()
if(NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  return()
endif()

# Debian wants its documents compressed, and the same at each time.
find_program(TRACKING_GZIP NAMES gzip REQUIRED)
set(changelogs ${generated_dir}/changelog.gz ${generated_dir}/changelog.Debian.gz)
execute_process(COMMAND ${TRACKING_GZIP} -9nc ${PROJECT_SOURCE_DIR}/CHANGELOG.md OUTPUT_FILE ${generated_dir}/changelog.gz)
execute_process(COMMAND ${TRACKING_GZIP} -9nc ${packaging}/debian/changelog OUTPUT_FILE ${generated_dir}/changelog.Debian.gz)

# tracking_package(COMPONENT NAME SECTION DESCRIPTION): what a component is called as a package.
set(package_components "")
macro(tracking_package component name section description)
  list(APPEND package_components ${component})
  string(TOUPPER ${component} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name})
  set(CPACK_DEBIAN_${upper}_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section})
  set(CPACK_COMPONENT_${upper}_DESCRIPTION "${description}")
  install(FILES ${packaging}/debian/copyright ${changelogs} DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${name}
    COMPONENT ${component})
  if(EXISTS ${packaging}/debian/${name}.lintian-overrides)
    install(FILES ${packaging}/debian/${name}.lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides
      RENAME ${name} COMPONENT ${component})
  endif()
endmacro()

if(TARGET tracking_c)
  get_target_property(c_abi tracking_c SOVERSION)  # docs/EMBEDDING.md, "What stays"
  set(runtime_package libtracking-c${c_abi})
  tracking_package(runtime ${runtime_package} libs "event tracking: the C interface
 The engine as a shared library, for programs in C and in every language that
 can call C: events of accounts go in, subscribers get them at once.")
  set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${packaging}/debian/triggers)
  set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "${runtime_package} (= ${PROJECT_VERSION}-1)")
endif()
tracking_package(dev libtracking-dev libdevel "event tracking: headers and libraries
 For building programs with the engine in them, in C++ and in C: headers,
 static libraries, and what CMake and pkg-config read.")
# What the components' static libraries are linked with; the core needs none of it.
set(CPACK_DEBIAN_DEV_PACKAGE_RECOMMENDS "libcpp-httplib-dev, libnats-dev, libpq-dev, libpqxx-dev, libsqlite3-dev")
if(TARGET tracking-httpd)
  tracking_package(httpd tracking-httpd net "event tracking: the daemon
 Takes events of accounts over HTTP, checks them, and shows them to
 subscribers in real time. Runs as a service of systemd.")
  set(CPACK_DEBIAN_HTTPD_PACKAGE_DEPENDS adduser)
  set(CPACK_DEBIAN_HTTPD_PACKAGE_SUGGESTS tracking-cli)
  set(CPACK_DEBIAN_HTTPD_PACKAGE_CONTROL_EXTRA ${packaging}/debian/postinst ${packaging}/debian/prerm
      ${packaging}/debian/postrm ${packaging}/debian/conffiles)
endif()
if(TARGET tracking-cli)
  tracking_package(cli tracking-cli net "event tracking: the command line
 Shows events as they come, sends some, manages accounts, proves that nothing
 is lost, and puts a server under load.")
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tracking)
set(CPACK_PACKAGE_CONTACT "The tracking authors <authors@tracking.example>")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_COMPONENTS_ALL ${package_components})
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
    WORLD_READ WORLD_EXECUTE)
include(CPack)
