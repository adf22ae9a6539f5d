# How tests are declared.
include_guard(GLOBAL)
find_package(GTest REQUIRED)
include(GoogleTest)

# Where several builds are tested in one run of ctest (scripts/test.sh), the prefix says which one a test is of.
set(TRACKING_TEST_PREFIX "" CACHE STRING "Put before the name of every test, e.g. asan.")

# A test is run about as often as it is compiled, and it is the library that the sanitizers are to look at: without
# optimisation and UBSan of its own it compiles in a third of the time (16 s to 5 s for unit_engine/lane_test.cpp).
function(tracking_test_options name)
  tracking_own_target(${name})
  target_compile_options(${name} PRIVATE -O0)
  if(TRACKING_SANITIZE MATCHES undefined)
    target_compile_options(${name} PRIVATE -fno-sanitize=undefined)
  endif()
endfunction()

if(TRACKING_PCH)
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/precompiled.cpp "int main() {}\n")
  add_executable(tracking_test_headers ${CMAKE_CURRENT_BINARY_DIR}/precompiled.cpp)
  tracking_test_options(tracking_test_headers)
  target_link_libraries(tracking_test_headers PRIVATE tracking::tracking GTest::gmock)
  tracking_precompile(tracking_test_headers tracking_test_headers <gmock/gmock.h> <gtest/gtest.h>)
endif()

# tracking_test(NAME SOURCES ... LIBRARIES ... [LABELS ...] [ONE_RUN]): a GoogleTest program; each case is a ctest test,
# or with ONE_RUN the program is one: where its cases share something that takes long to start.
function(tracking_test name)
  cmake_parse_arguments(arg "ONE_RUN" "" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  tracking_test_options(${name})
  tracking_precompile(${name} tracking_test_headers)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/libtracking/src ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} GTest::gmock GTest::gtest_main)
  if(arg_ONE_RUN)
    add_test(NAME ${TRACKING_TEST_PREFIX}${name} COMMAND ${name})
    set_tests_properties(${TRACKING_TEST_PREFIX}${name} PROPERTIES TIMEOUT 300 LABELS "${arg_LABELS}")
    return()
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST NO_PRETTY_VALUES TEST_PREFIX "${TRACKING_TEST_PREFIX}"
    TEST_LIST ${name}_cases PROPERTIES TIMEOUT 120)
  # gtest_discover_tests() loses all labels but the first, so ctest is told when it reads the list of cases.
  set(labels_file ${CMAKE_CURRENT_BINARY_DIR}/${name}_labels.cmake)
  file(WRITE ${labels_file} "foreach(case IN LISTS ${name}_cases)
  set_tests_properties(\"\${case}\" PROPERTIES LABELS \"${arg_LABELS}\")
endforeach()
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${labels_file})
endfunction()

# tracking_pytest(NAME FILE [LABELS ...]): a file of end-to-end tests in Python over the real programs.
function(tracking_pytest name file)
  cmake_parse_arguments(arg "" "TIMEOUT" "LABELS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  set(name ${TRACKING_TEST_PREFIX}${name})
  # Sanitizers make programs several times slower.
  set(time_factor 1)
  if(TRACKING_SANITIZE)
    set(time_factor 5)
  endif()
  add_test(NAME ${name} COMMAND /usr/bin/python3 -m pytest -q -p no:cacheprovider ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  set_tests_properties(${name} PROPERTIES
    LABELS "e2e;${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
    ENVIRONMENT "TRACKING_BUILD_DIR=${PROJECT_BINARY_DIR};TRACKING_SOURCE_DIR=${PROJECT_SOURCE_DIR};PYTHONDONTWRITEBYTECODE=1;TRACKING_TEST_TIME_FACTOR=${time_factor};TRACKING_SANITIZE=${TRACKING_SANITIZE}")
endfunction()

# tracking_tolerate_libpqxx_leaks(NAME ...): of tests in which connections to PostgreSQL are lost.
function(tracking_tolerate_libpqxx_leaks)
  foreach(name ${ARGN})
    set_property(TEST ${TRACKING_TEST_PREFIX}${name} APPEND PROPERTY ENVIRONMENT
      "LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/support/libpqxx.supp:print_suppressions=0")
  endforeach()
endfunction()
