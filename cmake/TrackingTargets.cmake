# How our own targets are built: C++20, hidden visibility, our warnings, sanitizers.
include_guard(GLOBAL)

# tracking_own_target(NAME): settings of every target of ours; none of them reaches a consumer.
function(tracking_own_target name)
  target_compile_features(${name} PUBLIC cxx_std_20)
  set_target_properties(${name} PROPERTIES
    CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${name} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual)
  if(TRACKING_WERROR)
    target_compile_options(${name} PRIVATE -Werror)
  endif()
  if(TRACKING_SANITIZE)
    target_compile_options(${name} PRIVATE -fsanitize=${TRACKING_SANITIZE} -fno-omit-frame-pointer
                           -fno-sanitize-recover=all)
    target_link_options(${name} PUBLIC -fsanitize=${TRACKING_SANITIZE})
  endif()
endfunction()

# tracking_component(COMPONENT SOURCES ... PRIVATE_LIBRARIES ... [PUBLIC_LIBRARIES ...]): a library of ours that is
# installed and exported as tracking::COMPONENT.
function(tracking_component component)
  cmake_parse_arguments(arg "" "" "SOURCES;PRIVATE_LIBRARIES;PUBLIC_LIBRARIES" ${ARGN})
  if(component STREQUAL "tracking")
    set(target tracking)
  else()
    set(target tracking_${component})
  endif()
  add_library(${target} ${arg_SOURCES})
  add_library(tracking::${component} ALIAS ${target})
  tracking_own_target(${target})
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${component}
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR})
  target_include_directories(${target}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/libtracking/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR}/libtracking/src)
  target_link_libraries(${target} PUBLIC ${arg_PUBLIC_LIBRARIES} PRIVATE ${arg_PRIVATE_LIBRARIES})
  set_property(GLOBAL APPEND PROPERTY TRACKING_COMPONENTS ${target})
endfunction()

# tracking_program(NAME SOURCES ... LIBRARIES ...): a program of ours.
function(tracking_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  tracking_own_target(${name})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES})
endfunction()
