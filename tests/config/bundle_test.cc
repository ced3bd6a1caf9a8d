#include "amtgate/config/bundle.h"

#include <gtest/gtest.h>

#include "tests/support/feed.h"

namespace amtgate::config {
namespace {

class TwoFiles : public Files {
 public:
  Result<File> read(const std::string& path, std::size_t) override {
    if (path == "/c") return File{"[target a]\naddress = 192.0.2.1\npassword_file = /s\n", 0644, 0};
    if (path == "/s") return File{"x\n", 0600, 7};
    return Error{Errc::System, "permission denied"};
  }
  Result<std::vector<std::string>> list(const std::string&) override {
    return std::vector<std::string>{"b.conf", "x"};
  }
  std::optional<uid_t> account(const std::string& user) override {
    return user == "amtgate" ? std::optional<uid_t>(7) : std::nullopt;
  }
  uid_t self() override { return 5; }
};

TEST(Bundle, LoadsAsTheFilesDid) {
  TwoFiles files;
  RecordingFiles recording(files);
  const Parsed there = load("/c", recording);
  Result<BundledFiles> bundled = BundledFiles::parse(recording.to_bytes());
  ASSERT_TRUE(bundled);
  const Parsed here = load("/c", *bundled);
  EXPECT_EQ(here.mistakes, there.mistakes);
  ASSERT_EQ(here.mistakes.size(), 1U);
  EXPECT_EQ(here.mistakes[0].to_string(), "/targets.d/b.conf: cannot read it: permission denied");
  EXPECT_EQ(bundled->self(), 5U);
  EXPECT_FALSE(bundled->account("other"));
}

TEST(Bundle, LayoutIsAsDescribed) {
  const Buffer bytes = test::hex(
      "41 4d 54 47 43 46 47 31"
      "01 00000002 2f61 01 000001a4 00000000 00000003 782e0a"
      "01 00000002 2f62 00 0a 00000004 6e6f7065"
      "02 00000001 2f 01 00000002 00000001 61 00000001 62"
      "03 00000001 75 01 00000384"
      "04 00000000 01 00000000");
  Result<BundledFiles> files = BundledFiles::parse(bytes);
  ASSERT_TRUE(files);
  EXPECT_EQ(files->read("/a", 100)->text, "x.\n");
  EXPECT_EQ(files->read("/a", 100)->mode, 0644U);
  EXPECT_EQ(files->read("/b", 100).error().detail, "nope");
  EXPECT_EQ(files->read("/c", 100).error().code, Errc::Unreachable);
  EXPECT_EQ(*files->list("/"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(files->account("u"), std::optional<uid_t>(900));
}

TEST(Bundle, RefusesWhatIsCutOrUnknown) {
  TwoFiles files;
  RecordingFiles recording(files);
  (void)load("/c", recording);
  const Buffer bytes = recording.to_bytes();
  std::size_t good = 0;
  for (std::size_t n = 0; n < bytes.size(); ++n) good += BundledFiles::parse(Bytes(bytes).first(n)).has_value();
  EXPECT_LT(good, 8U) << "only cuts between entries parse";
  Buffer unknown = test::hex("41 4d 54 47 43 46 47 31 09 00000000 01");
  EXPECT_FALSE(BundledFiles::parse(unknown));
  EXPECT_FALSE(BundledFiles::parse(test::hex("41 4d 54 47 43 46 47 31 02 00000000 01 ffffffff")));
}

}  // namespace
}  // namespace amtgate::config
