# How our own targets are built: C++20, hidden visibility, our warnings, sanitizers.
include_guard(GLOBAL)

# A fuzzer finds its way by what the code it runs tells it, so all of ours is instrumented.
if(TRACKING_BUILD_FUZZ)
  if(NOT TRACKING_SANITIZE)
    set(TRACKING_SANITIZE address,undefined)
  endif()
  set(TRACKING_SANITIZE fuzzer-no-link,${TRACKING_SANITIZE})
endif()

set(TRACKING_PCH OFF CACHE STRING "Precompile the headers that nearly every file includes: OFF, of TESTS, or of ALL targets")

# tracking_own_target(NAME): settings of every target of ours; none of them reaches a consumer.
function(tracking_own_target name)
  target_compile_features(${name} PUBLIC cxx_std_20)
  set_target_properties(${name} PROPERTIES
    CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${name} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual)
  # GCC 12 sees overlapping copies in concatenated strings where there are none (GCC bug 105651).
  target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
  if(TRACKING_WERROR)
    target_compile_options(${name} PRIVATE -Werror)
  endif()
  if(TRACKING_SANITIZE)
    target_compile_options(${name} PRIVATE -fsanitize=${TRACKING_SANITIZE} -fno-omit-frame-pointer
                           -fno-sanitize-recover=all
                           $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)  # false alarms in instrumented code
    if(TRACKING_SANITIZE MATCHES thread)
      # Asio has fences, which TSan does not see, beside its locks, which it does.
      target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
    endif()
    target_link_options(${name} PUBLIC -fsanitize=${TRACKING_SANITIZE})
  endif()
  get_target_property(type ${name} TYPE)
  if(type STREQUAL "STATIC_LIBRARY" AND TRACKING_PCH STREQUAL "ALL")
    tracking_precompile(${name} tracking)
  endif()
endfunction()

# tracking_precompile(NAME OWNER [HEADER ...]): where TRACKING_PCH asks for it, NAME uses the precompiled headers of OWNER,
# a target with the same options; OWNER itself gets them. The preset dev builds libraries and programs without:
# there a missing #include shows.
function(tracking_precompile name owner)
  if(NOT TRACKING_PCH)
    return()
  endif()
  target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)  # for ccache
  if(name STREQUAL owner)
    target_precompile_headers(${name} PRIVATE <algorithm> <atomic> <chrono> <condition_variable> <deque> <functional>
      <map> <memory> <mutex> <random> <string> <thread> <unordered_map> <vector> <tracking/tracking.h> <tracking/web.h>
      ${ARGN})
  else()
    target_precompile_headers(${name} REUSE_FROM ${owner})
  endif()
endfunction()

# tracking_component(COMPONENT SOURCES ... [PKG_CONFIG ...] [PRIVATE_LIBRARIES ...] [PUBLIC_LIBRARIES ...]): a library
# of ours that is installed and exported as tracking::COMPONENT. PKG_CONFIG names the libraries that it uses inside, as
# pkg-config knows them (cpp-httplib, sqlite3): found, linked, and passed on to those who link our static library.
function(tracking_component component)
  cmake_parse_arguments(arg "" "" "SOURCES;PKG_CONFIG;PRIVATE_LIBRARIES;PUBLIC_LIBRARIES" ${ARGN})
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
    # Before 1.0 a minor version may change the binary interface.
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    # Static and shared compile the same, so that a cache of objects serves both.
    DEFINE_SYMBOL "")
  target_include_directories(${target}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/libtracking/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR}/libtracking/src)
  target_link_libraries(${target} PUBLIC ${arg_PUBLIC_LIBRARIES} PRIVATE ${arg_PRIVATE_LIBRARIES})
  foreach(package ${arg_PKG_CONFIG})
    find_package(PkgConfig REQUIRED)
    string(MAKE_C_IDENTIFIER "tracking_${package}" module)
    pkg_check_modules(${module} REQUIRED IMPORTED_TARGET GLOBAL ${package})
    target_link_libraries(${target} PRIVATE PkgConfig::${module})
  endforeach()
  set_target_properties(${target} PROPERTIES TRACKING_PKG_CONFIG "${arg_PKG_CONFIG}")
  if(BUILD_SHARED_LIBS)
    # What the standard library's templates leave behind in ours is nobody's interface.
    set(symbols ${PROJECT_SOURCE_DIR}/cmake/exported_symbols.map)
    target_link_options(${target} PRIVATE LINKER:--version-script=${symbols})
    set_target_properties(${target} PROPERTIES LINK_DEPENDS ${symbols})
  endif()
  set_property(GLOBAL APPEND PROPERTY TRACKING_COMPONENTS ${target})
endfunction()

# tracking_program(NAME SOURCES ... LIBRARIES ...): a program of ours.
function(tracking_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  tracking_own_target(${name})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES})
endfunction()
