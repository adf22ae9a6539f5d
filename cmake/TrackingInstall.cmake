# Installation: libraries, headers of the components that are built, and what find_package() and pkg-config read.
include(CMakePackageConfigHelpers)

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tracking)
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(generated_dir ${PROJECT_BINARY_DIR}/libtracking/install)

# The installed files find the prefix from where they are, so that an installation can be moved.
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
  set(pkgconfig_prefix ${CMAKE_INSTALL_PREFIX})
  set(pkgconfig_libdir ${CMAKE_INSTALL_LIBDIR})
else()
  file(RELATIVE_PATH pkgconfig_prefix /${pkgconfig_dir} /)
  string(REGEX REPLACE "/$" "" pkgconfig_prefix "\${pcfiledir}/${pkgconfig_prefix}")
  set(pkgconfig_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
endif()

# A component exports a file of its own, so that one that is not asked for asks for no dependency.
get_property(targets GLOBAL PROPERTY TRACKING_COMPONENTS)
set(components "")
set(component_packages "")
foreach(target ${targets})
  get_target_property(component ${target} EXPORT_NAME)
  get_target_property(packages ${target} TRACKING_PKG_CONFIG)
  list(APPEND components ${component})
  get_target_property(stands_alone ${target} TRACKING_STANDS_ALONE)
  if(BUILD_SHARED_LIBS)
    set_target_properties(${target} PROPERTIES INSTALL_RPATH "\$ORIGIN")
  elseif(packages)
    string(APPEND component_packages "set(tracking_${component}_packages ${packages})\n")
  endif()
  install(TARGETS ${target} EXPORT tracking-${component}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT dev
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT tracking-${component} NAMESPACE tracking:: DESTINATION ${config_dir}
    FILE tracking-${component}.cmake COMPONENT dev)

  set(pc_libraries -l${target})
  set(pc_libraries_private "")
  set(pc_requires "")
  # A static library of ours is linked with the shared ones of others: asked for by name, pkg-config would pull in all
  # that their static forms need, which is often not installed.
  foreach(package ${packages})
    string(MAKE_C_IDENTIFIER "tracking_${package}" module)
    list(APPEND pc_libraries_private ${${module}_LDFLAGS})
  endforeach()
  string(REPLACE ";" " " pc_libraries_private "${pc_libraries_private}")
  if(component STREQUAL "tracking")
    set(pc_name tracking)
    set(pc_description "${PROJECT_DESCRIPTION}")
    set(pc_libraries_private -pthread)
  else()
    set(pc_name tracking-${component})
    set(pc_description "Component ${component} of tracking")
    if(NOT stands_alone)
      set(pc_requires "tracking = ${PROJECT_VERSION}")
    endif()
  endif()
  configure_file(${PROJECT_SOURCE_DIR}/cmake/component.pc.in ${generated_dir}/${pc_name}.pc @ONLY)
  install(FILES ${generated_dir}/${pc_name}.pc DESTINATION ${pkgconfig_dir} COMPONENT dev)
endforeach()

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/trackingConfig.cmake.in ${generated_dir}/trackingConfig.cmake
  INSTALL_DESTINATION ${config_dir} NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${generated_dir}/trackingConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${generated_dir}/trackingConfig.cmake ${generated_dir}/trackingConfigVersion.cmake
  DESTINATION ${config_dir} COMPONENT dev)

# An optional component NAME (option TRACKING_WITH_NAME) has the one header tracking/NAME.h; the rest is the core's.
file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/libtracking/include/tracking/*.h
  ${PROJECT_SOURCE_DIR}/bindings/c/include/tracking/*.h)
foreach(header ${headers})
  get_filename_component(name ${header} NAME_WE)
  string(TOUPPER "TRACKING_WITH_${name}" option)
  if(NOT DEFINED ${option} OR name IN_LIST components)
    install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tracking COMPONENT dev)
  endif()
endforeach()

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT dev)
