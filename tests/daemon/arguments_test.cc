#include "amtgate/daemon/arguments.h"

#include <gtest/gtest.h>

namespace amtgate::daemon {
namespace {

Result<Arguments> parse(std::vector<std::string> words) {
  std::vector<char*> argv;
  words.insert(words.begin(), "amtgated");
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return parse_arguments(static_cast<int>(words.size()), argv.data());
}

TEST(Arguments, HaveDefaults) {
  const Result<Arguments> a = parse({});
  ASSERT_TRUE(a);
  EXPECT_EQ(a->config, AMTGATE_SYSCONFDIR "/amtgate/amtgate.conf");
  EXPECT_EQ(a->what, Arguments::Do::Serve);
}

TEST(Arguments, ComeInAnyOrder) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"-c", "/x", "--check"}, {"--check", "-c/x"}, {"--config=/x", "--check"}, {"--check", "--config", "/x"}}) {
    const Result<Arguments> a = parse(words);
    ASSERT_TRUE(a);
    EXPECT_EQ(a->config, "/x");
    EXPECT_EQ(a->what, Arguments::Do::Check);
  }
}

TEST(Arguments, WrongUsageIsNamed) {
  EXPECT_EQ(parse({"--chekc"}).error().detail, "unknown option '--chekc'");
  EXPECT_EQ(parse({"-x"}).error().detail, "unknown option '-x'");
  EXPECT_EQ(parse({"-c"}).error().detail, "-c needs a value");
  EXPECT_EQ(parse({"start"}).error().detail, "unexpected argument 'start'");
  EXPECT_FALSE(parse({"-c", ""}));
}

TEST(Arguments, HelpAndVersionStopThere) {
  EXPECT_EQ(parse({"--help", "--what"})->what, Arguments::Do::Help);
  EXPECT_EQ(parse({"--version"})->what, Arguments::Do::Version);
}

}  // namespace
}  // namespace amtgate::daemon
