#include "codec/event_decoder.h"

#include <gtest/gtest.h>

#include <string>

#include "unit_codec/exact_bytes.h"

namespace tracking::codec {
namespace {

using namespace std::string_literals;

struct Array {
  explicit Array(std::string_view text, std::size_t events_max = 100, std::size_t data_bytes_max = 1000)
      : bytes(text),
        is_ok(decode_event_array(bytes.data(), bytes.size(), data_bytes_max, events_max, elements, fault)) {}

  tracking::testing::ExactBytes bytes;
  std::vector<ArrayElement> elements;
  DecodeFault fault;
  bool is_ok;
};

constexpr std::string_view event = R"({"account_id":1,"data":"foo"})";

std::string array_of(int count) {
  std::string text = "[";
  for (int i = 0; i < count; ++i) text.append(i ? "," : "").append(event);
  return text + "]";
}

TEST(DecodeArray, EventsInOrder) {
  const Array array(R"( [ {"account_id":1,"data":1} , {"data":2,"account_id":2,"id":"x"} ] )");
  ASSERT_TRUE(array.is_ok) << array.fault.detail();
  ASSERT_EQ(array.elements.size(), 2u);
  EXPECT_EQ(array.elements[0].event.account_id, 1);
  EXPECT_EQ(array.elements[0].event.data.json(), "1");
  EXPECT_EQ(array.elements[1].event.account_id, 2);
  EXPECT_EQ(array.elements[1].event.id, "x");
  EXPECT_EQ(array.elements[1].fault.code, Code::ok);
}

TEST(DecodeArray, AnEmptyOneIsNoError) {
  for (const char* text : {"[]", " [ \n ] "}) {
    const Array array(text);
    EXPECT_TRUE(array.is_ok);
    EXPECT_TRUE(array.elements.empty());
  }
}

TEST(DecodeArray, AWrongElementIsAnEntryAndTheOthersCount) {
  const Array array(
      R"([{"account_id":1,"data":1},7,{"account_id":0,"data":1},{"account_id":1},[],{"account_id":2,"data":2}])");
  ASSERT_TRUE(array.is_ok) << array.fault.detail();
  ASSERT_EQ(array.elements.size(), 6u);
  EXPECT_EQ(array.elements[0].fault.code, Code::ok);
  EXPECT_EQ(array.elements[1].fault.code, Code::invalid_event);
  EXPECT_EQ(array.elements[1].fault.offset, 27u);
  EXPECT_EQ(array.elements[2].fault.member, "account_id");
  EXPECT_EQ(array.elements[2].fault.offset, 43u);
  EXPECT_EQ(array.elements[3].fault.member, "data");
  EXPECT_EQ(array.elements[4].fault.code, Code::invalid_event);
  EXPECT_EQ(array.elements[5].fault.code, Code::ok);
  EXPECT_EQ(array.elements[5].event.account_id, 2);
}

TEST(DecodeArray, DataThatIsTooLongIsAnEntry) {
  const Array array(R"([{"account_id":1,"data":"12"},{"account_id":1,"data":"123"}])", 10, 4);
  ASSERT_TRUE(array.is_ok);
  EXPECT_EQ(array.elements[0].fault.code, Code::ok);
  EXPECT_EQ(array.elements[1].fault.code, Code::too_large);
}

TEST(DecodeArray, ASyntaxErrorAnywhereTakesAllBack) {
  for (const auto& text : {"["s, "[1"s, "[1,"s, "[,]"s, "[1,]"s, "[1]x"s, "[1]]"s, "[1}"s, "[1 2]"s, ""s, "x"s, "{"s,
                           array_of(3) + "x", array_of(3).substr(0, 80), "[" + std::string(event) + ",{\"a\":01}]",
                           "[" + std::string(event) + ",\"\xff\"]", "\xef\xbb\xbf" + array_of(1)}) {
    const Array array(text);
    EXPECT_FALSE(array.is_ok) << text;
    EXPECT_EQ(array.fault.code, Code::malformed_json) << text;
    EXPECT_TRUE(array.elements.empty());
  }
}

TEST(DecodeArray, PlacesCountFromTheBeginningOfTheText) {
  const Array array("[" + std::string(event) + R"(,{"account_id":1,"data":tru}])");
  EXPECT_EQ(array.fault.offset, 1 + 29 + 1 + 23u);
  EXPECT_EQ(array.fault.member, "data");
}

TEST(DecodeArray, BothSidesOfTheNumberOfEvents) {
  EXPECT_TRUE(Array(array_of(100), 100).is_ok);
  const Array array(array_of(101), 100);
  EXPECT_FALSE(array.is_ok);
  EXPECT_EQ(array.fault.code, Code::too_large);
  EXPECT_TRUE(array.elements.empty());
}

TEST(DecodeArray, WhatIsNoArrayIsToldSo) {
  EXPECT_EQ(Array(event).fault.code, Code::invalid_event);
  EXPECT_EQ(Array("1").fault.code, Code::invalid_event);
}

TEST(DecodeArray, NestingCountsFromTheEvent) {
  const auto data = std::string(127, '[') + std::string(127, ']');
  EXPECT_TRUE(Array("[{\"account_id\":1,\"data\":" + data + "}]").is_ok);
  EXPECT_FALSE(Array("[{\"account_id\":1,\"data\":[" + data + "]}]").is_ok);
  EXPECT_EQ(Array(std::string(100'000, '[')).fault.code, Code::malformed_json);
}

TEST(DecodeArray, DuplicatesAreOfOneEventNotOfAll) {
  EXPECT_TRUE(Array(R"([{"account_id":1,"data":1,"x":1},{"account_id":1,"data":1,"x":1}])").is_ok);
}

TEST(DecodeArray, LineBreaksInDataBecomeSpacesOthersStay) {
  const Array array("[\n{\"account_id\":1,\n\"data\":[1,\n2]},\n{\"account_id\":1,\"data\":3\n}]");
  ASSERT_TRUE(array.is_ok);
  EXPECT_EQ(array.elements[0].event.data.json(), "[1, 2]");
  EXPECT_EQ(array.elements[1].event.data.json(), "3");
}

}  // namespace
}  // namespace tracking::codec
