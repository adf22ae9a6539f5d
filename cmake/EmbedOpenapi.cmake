# cmake -DINPUT=docs/openapi.json -DOUTPUT=openapi_json.cpp -P EmbedOpenapi.cmake: the description as C++.
file(READ ${INPUT} text)
file(WRITE ${OUTPUT} "// Generated from docs/openapi.json.
#include <tracking/web.h>

namespace tracking::web {

std::string_view openapi_json() noexcept {
  return R\"openapi(${text})openapi\";
}

}  // namespace tracking::web
")
