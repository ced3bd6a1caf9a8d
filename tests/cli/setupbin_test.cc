#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "amtgate/cli/password_keys.h"
#include "amtgate/cli/setupbin_json.h"
#include "amtgate/sys/file.h"
#include "tests/support/feed.h"

namespace amtgate::cli {
namespace {

using Json = nlohmann::ordered_json;

TEST(SetupbinJson, ComesBackAsItWas) {
  const Result<std::vector<std::string>> files = sys::list_directory("tests/setupbin/corpus/file", "");
  ASSERT_TRUE(files);
  unsigned read = 0;
  for (const std::string& path : *files) {
    const Result<std::string> bytes = sys::read_file(path, setupbin::kMaxFile);
    ASSERT_TRUE(bytes);
    const Result<setupbin::File> file = setupbin::parse(as_bytes(*bytes));
    if (!file) continue;
    ++read;
    const Result<setupbin::File> again = from_json(Json::parse(to_json(*file, Secrets::Shown).dump()));
    ASSERT_TRUE(again) << path << ": " << again.error().detail;
    EXPECT_EQ(*again, *file) << path;
    EXPECT_EQ(as_text(*setupbin::format(*again)), *bytes) << path;
    const std::string hidden = to_json(*file, Secrets::Hidden).dump();
    EXPECT_EQ(hidden.find("P@ssw0rd"), std::string::npos) << path;
  }
  EXPECT_GE(read, 5U);
}

TEST(SetupbinJson, OddBytesComeBackToo) {
  setupbin::File f;
  f.reserved = 3;
  f.rest = {0, 0, 1};
  f.tail = {0, 5, 0};
  f.records.resize(1);
  f.records[0].reserved[7] = 1;
  f.records[0].rest = {0, 0, 0, 0, 9};
  f.records[0].values = {{{7, 9}, {1, 2, 3}, 4, {5}}};
  EXPECT_EQ(*from_json(Json::parse(to_json(f, Secrets::Shown).dump())), f);
}

TEST(SetupbinJson, FillsInWhatIsNotWritten) {
  const Result<setupbin::File> f = from_json(Json::parse(
      R"({"reusable":true,"records":[{"variables":[{"name":"kvm","value":1},{"module":1,"id":3,"value":"amt"}]}]})"));
  ASSERT_TRUE(f) << f.error().detail;
  EXPECT_EQ(f->flags, setupbin::kDoNotConsume);
  EXPECT_EQ(f->modules, (std::vector<std::uint16_t>{2, 1}));
  EXPECT_EQ(f->header_bytes, 46);
  EXPECT_EQ(f->records[0].values[1].bytes, Buffer{1});
}

TEST(SetupbinJson, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> rows[] = {
      {"[]", "is no object"},
      {R"({"versoin":3})", "'versoin' is no member of it"},
      {R"({"major":256})", "major is no number up to 255"},
      {R"({"records":[{"variables":[{"value":"x"}]}]})", "record 1: a variable has a name, or a module and an id"},
      {R"({"records":[{},{"variables":[{"name":"kvm","value":"maybe"}]}]})",
       "record 2: kvm 'maybe': one of off, on, or a number"},
      {R"({"records":[{"variables":[{"name":"psk","value":null,"hidden":true}]}]})",
       "record 1: psk has no value; `show --show-passwords` writes those that are secret"},
      {R"({"records":[{"rest":"xy"}]})", "record 1: rest is no hexadecimal text"},
  };
  for (const auto& [text, want] : rows) {
    const Result<setupbin::File> f = from_json(Json::parse(text));
    ASSERT_FALSE(f) << text;
    EXPECT_EQ(f.error().detail, want);
  }
}

std::string moved(std::string_view password, const char* layout) {
  const auto us = rfb::KeyboardLayout::load("us"), theirs = rfb::KeyboardLayout::load(layout);
  std::string out;
  for (const MovedCharacter& m : moved_characters(password, **us, **theirs)) {
    out += (out.empty() ? "" : " ") + std::to_string(m.position) + m.character + "=" + m.type;
  }
  return out;
}

TEST(PasswordKeys, OfOtherKeyboards) {
  EXPECT_EQ(moved("P@ssw0rd1!", "us"), "");
  EXPECT_EQ(moved("P@ssw0rd1!", "de"), "2@=\"");
  EXPECT_EQ(moved("xYz-=#", "de"), "2Y=Z 3z=y 4-=ß 5==´ 6#=§");
  EXPECT_EQ(moved("Aq1.", "fr"), "1A=Q 2q=a 31=& 4.=:");
  const auto us = rfb::KeyboardLayout::load("us"), de = rfb::KeyboardLayout::load("de");
  EXPECT_EQ(special_characters_that_stay(**us, **de), "!$%,.");
}

}  // namespace
}  // namespace amtgate::cli
