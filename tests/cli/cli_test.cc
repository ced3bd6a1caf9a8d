// The command line without a daemon: wrong usage, exit codes, the users file and the known certificates.
#include "amtgate/cli/cli.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "amtgate/auth/users.h"
#include "amtgate/cli/exit.h"

namespace amtgate::cli {
namespace {

class CliTest : public testing::Test {
 protected:
  CliTest() : folder_(testing::TempDir() + "amtgate-cli-" + std::to_string(::getpid())) {
    std::filesystem::create_directories(folder_);
    write("amtgate.conf", "[gateway]\ncontrol = " + folder_ + "/none.sock\nstate = " + folder_ +
                              "\nusers = " + folder_ + "/users\nnonsense that does not matter here\n");
  }
  ~CliTest() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ + "/" + name) << text; }
  std::string read(const std::string& name) {
    std::stringstream out;
    out << std::ifstream(folder_ + "/" + name).rdbuf();
    return out.str();
  }
  /// Runs with -c; keeps what was printed.
  int run(std::vector<std::string> words, const std::string& input = "") {
    words.insert(words.begin(), {"amtgate", "-c", folder_ + "/amtgate.conf"});
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    write("input", input);
    const int was = ::dup(STDIN_FILENO);
    EXPECT_NE(std::freopen((folder_ + "/input").c_str(), "r", stdin), nullptr);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = cli::run(static_cast<int>(words.size()), argv.data());
    errors_ = testing::internal::GetCapturedStderr();
    output_ = testing::internal::GetCapturedStdout();
    ::dup2(was, STDIN_FILENO);
    ::close(was);
    return code;
  }

  std::string folder_;
  std::string output_;
  std::string errors_;
};

TEST_F(CliTest, WrongUsageIsTwoAndOneLine) {
  for (const auto& words : std::vector<std::vector<std::string>>{{},
                                                                 {"what"},
                                                                 {"--what", "status"},
                                                                 {"end"},
                                                                 {"end", "x"},
                                                                 {"end", "-1"},
                                                                 {"passwd"},
                                                                 {"known"},
                                                                 {"known", "forget"},
                                                                 {"status", "x"}}) {
    EXPECT_EQ(run(words), kUsage) << errors_;
    EXPECT_EQ(std::count(errors_.begin(), errors_.end(), '\n'), 1) << errors_;
    EXPECT_TRUE(errors_.starts_with("amtgate: ")) << errors_;
  }
  run({"what"});
  EXPECT_NE(errors_.find("'what'"), std::string::npos) << errors_;
}

TEST_F(CliTest, NoDaemonIsThree) {
  for (const char* command : {"status", "sessions", "reload"}) {
    EXPECT_EQ(run({command, "--json"}), kNoConnection);
    EXPECT_NE(errors_.find(folder_ + "/none.sock"), std::string::npos) << errors_;
    EXPECT_NE(errors_.find("is amtgated running?"), std::string::npos) << errors_;
    EXPECT_EQ(output_, "");
  }
  EXPECT_EQ(run({"end", "5"}), kNoConnection);
}

TEST_F(CliTest, PasswdWritesTheUsersFile) {
  EXPECT_EQ(run({"passwd", "bob", "--role", "admin@pc1", "--role", "view"}, "secret\n"), kDone) << errors_;
  struct stat info = {};
  ASSERT_EQ(::stat((folder_ + "/users").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  EXPECT_EQ(run({"passwd", "eve"}, "other"), kDone) << errors_;
  EXPECT_EQ(run({"passwd", "bob"}, "changed\r\n"), kDone) << errors_;
  auto users = auth::UsersFile::parse(read("users"), "users");
  ASSERT_TRUE(users) << users.error().detail;
  EXPECT_TRUE(users->check_password("bob", "changed"));
  EXPECT_EQ(users->role_at("bob", "pc1", {}), auth::Role::Admin) << "a new password keeps the roles";
  EXPECT_EQ(users->role_at("bob", "pc2", {}), auth::Role::View);
  EXPECT_EQ(users->role_at("eve", "pc1", {}), auth::Role::Console) << "what a new user has";
  EXPECT_EQ(run({"passwd", "bob", "--role", "none", "--keep-password"}), kDone) << errors_;
  EXPECT_EQ(run({"passwd", "eve", "--role", "power@tag:lab"}, "other"), kDone) << errors_;
  EXPECT_EQ(run({"passwd", "--list"}), kDone) << errors_;
  EXPECT_EQ(output_, "USER  ROLES\nbob   none\neve   power@tag:lab\n");
  EXPECT_EQ(run({"passwd", "--list", "--json"}), kDone) << errors_;
  EXPECT_EQ(output_, "[{\"user\":\"bob\",\"roles\":[]},{\"user\":\"eve\",\"roles\":[\"power@tag:lab\"]}]\n");
  users = auth::UsersFile::parse(read("users"), "users");
  ASSERT_TRUE(users) << users.error().detail;
  EXPECT_TRUE(users->check_password("bob", "changed")) << "other roles keep the password";
  EXPECT_TRUE(users->check_password("eve", "other"));
  EXPECT_EQ(read("users").find("changed"), std::string::npos);
  EXPECT_EQ(run({"passwd", "--delete", "eve"}), kDone);
  EXPECT_EQ(run({"passwd", "--delete", "eve"}), kSaidNo);
}

TEST_F(CliTest, PasswdRefusesBadInputAndLeavesTheFile) {
  EXPECT_EQ(run({"passwd", "bob"}, ""), kUsage);
  EXPECT_EQ(run({"passwd", "bob"}, "\n"), kUsage);
  EXPECT_EQ(run({"passwd", "b:ob"}, "secret\n"), kUsage);
  EXPECT_EQ(run({"passwd", "bob", "--role", "operator"}, "secret\n"), kUsage);
  EXPECT_NE(errors_.find("'operator' is no role: write view, console, power or admin"), std::string::npos) << errors_;
  EXPECT_EQ(run({"passwd", "bob", "--role", "view", "--keep-password"}), kUsage) << "there is no bob";
  EXPECT_EQ(run({"passwd", "bob", "--keep-password"}), kUsage);
  EXPECT_EQ(run({"passwd", "bob"}, std::string(2000, 'x')), kUsage);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/users"));
  write("users", "garbage\n");
  EXPECT_EQ(run({"passwd", "bob"}, "secret\n"), kSaidNo);
  EXPECT_EQ(read("users"), "garbage\n");
}

TEST_F(CliTest, KnownListsAndForgets) {
  EXPECT_EQ(run({"known", "list", "--json"}), kDone);
  EXPECT_EQ(output_, "[]\n");
  write("known_certificates", "pc1 10.99.0.10 " + std::string(64, 'a') + " 2026-01-31\npc2 10.99.0.11 " +
                                  std::string(64, 'b') + " 2026-01-31\n");
  EXPECT_EQ(run({"known", "list", "--json"}), kDone);
  EXPECT_NE(output_.find(R"({"target":"pc1","device":"10.99.0.10","sha256":")"), std::string::npos) << output_;
  EXPECT_EQ(run({"known", "forget", "pc1"}), kDone) << errors_;
  EXPECT_EQ(read("known_certificates").find("pc1"), std::string::npos);
  EXPECT_NE(read("known_certificates").find("pc2"), std::string::npos);
  EXPECT_EQ(run({"known", "forget", "pc1"}), kSaidNo);
}

}  // namespace
}  // namespace amtgate::cli
