#include "amtgate/config/load.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace amtgate::config {
namespace {

// Files in memory: root's, 0600, unless said otherwise.
class MemoryFiles : public Files {
 public:
  std::map<std::string, File> files;
  std::map<std::string, Error> broken;
  std::map<std::string, uid_t> accounts = {{"amtgate", 900}};

  void put(const std::string& path, std::string text, mode_t mode = 0600, uid_t owner = 0) {
    files[path] = {std::move(text), mode, owner};
  }
  Result<File> read(const std::string& path, std::size_t limit) override {
    if (broken.contains(path)) return broken.at(path);
    if (!files.contains(path)) return Error{Errc::Unreachable, "no such file"};
    if (files.at(path).text.size() > limit) return Error{Errc::TooLarge, "too large"};
    return files.at(path);
  }
  Result<std::vector<std::string>> list(const std::string& folder) override {
    std::vector<std::string> names;
    for (const auto& [path, file] : files) {
      if (path.starts_with(folder + "/")) names.insert(names.begin(), path.substr(folder.size() + 1));
    }
    return names;
  }
  std::optional<uid_t> account(const std::string& user) override {
    return accounts.contains(user) ? std::optional(accounts.at(user)) : std::nullopt;
  }
  uid_t self() override { return 1000; }
};

constexpr const char* kFile = "/etc/amtgate/amtgate.conf";
constexpr const char* kKey = "-----BEGIN PRIVATE KEY-----\n";
constexpr const char* kCertificate = "-----BEGIN CERTIFICATE-----\n";

std::string all(const std::vector<Mistake>& list) {
  std::string out;
  for (const Mistake& m : list) out += m.to_string() + "\n";
  return out;
}

class Load : public testing::Test {
 protected:
  MemoryFiles files;
  Parsed load() { return config::load(kFile, files); }
  std::string mistakes() { return all(load().mistakes); }
};

TEST_F(Load, ReadsTargetsBesideItInOrder) {
  files.put(kFile, "[defaults]\npassword_file = /s\n", 0644);
  files.put("/etc/amtgate/targets.d/20-b.conf", "[target b]\naddress = 192.0.2.2\n", 0644);
  files.put("/etc/amtgate/targets.d/10-a.conf", "[target a]\naddress = 192.0.2.1\n", 0644);
  files.put("/etc/amtgate/targets.d/old.conf~", "[target c]\n", 0644);
  files.put("/etc/amtgate/targets.d/.x.conf", "[target c]\n", 0644);
  files.put("/s", " pass;word #1 \r\nsecond line\n", 0640);
  const Parsed parsed = load();
  ASSERT_TRUE(parsed) << all(parsed.mistakes);
  ASSERT_EQ(parsed.config->targets.size(), 2U);
  EXPECT_EQ(parsed.config->targets[0].name, "a");
  EXPECT_EQ(parsed.config->targets[0].password.reveal(), " pass;word #1 ");
}

TEST_F(Load, NamesAMissingFile) {
  EXPECT_EQ(mistakes(), "/etc/amtgate/amtgate.conf: cannot read it: no such file\n");
}

TEST_F(Load, RefusesSecretsThatOthersMayRead) {
  files.put(kFile, "[target a]\naddress = 192.0.2.1\npassword_file = /s\ntls_cert = /c\ntls_key = /k\n", 0644);
  files.put("/s", "x\n", 0644);
  files.put("/c", kCertificate, 0644);
  files.put("/k", kKey, 0602);
  EXPECT_EQ(mistakes(),
            "/etc/amtgate/amtgate.conf:3: password_file: others may read or change /s (mode 0644): chmod o-rwx /s\n"
            "/etc/amtgate/amtgate.conf:5: tls_key: others may read or change /k (mode 0602): chmod o-rwx /k\n");
}

TEST_F(Load, RefusesSecretsOfStrangers) {
  files.put(kFile, "[target a]\naddress = 192.0.2.1\npassword_file = /s\n", 0644);
  for (const uid_t owner : {0U, 900U, 1000U}) {
    files.put("/s", "x\n", 0600, owner);
    EXPECT_EQ(mistakes(), "");
  }
  files.put("/s", "x\n", 0600, 33);
  EXPECT_EQ(mistakes(),
            "/etc/amtgate/amtgate.conf:3: password_file: /s belongs to neither root nor amtgate: chown root /s\n");
  files.accounts.clear();
  files.put("/s", "x\n", 0600, 900);
  EXPECT_NE(mistakes(), "") << "without the account, only root and the caller are left";
}

TEST_F(Load, APasswordMakesTheFileASecret) {
  const std::string text = "[defaults]\npassword = x\n[target a]\naddress = 192.0.2.1\n";
  files.put(kFile, text, 0640);
  EXPECT_EQ(mistakes(), "");
  files.put(kFile, text, 0644);
  EXPECT_EQ(mistakes(),
            "/etc/amtgate/amtgate.conf:2: password: others may read or change /etc/amtgate/amtgate.conf (mode 0644): "
            "chmod o-rwx /etc/amtgate/amtgate.conf\n");
  files.put(kFile, "[target a]\naddress = 192.0.2.1\npassword =\n", 0644);
  EXPECT_EQ(mistakes(), "");
}

TEST_F(Load, NamesMissingEmptyAndWrongFiles) {
  files.put(kFile,
            "[gateway]\ncert = /c\nkey = /k\n[target a]\naddress = 192.0.2.1\npassword_file = /empty\ntls_ca = /ca\n"
            "client_auth = users\n",
            0644);
  files.put("/empty", "\nx\n");
  files.put("/c", "");
  files.put("/ca", "nothing", 0644);
  files.broken.emplace("/k", Error{Errc::System, "permission denied"});
  EXPECT_EQ(mistakes(),
            "/etc/amtgate/amtgate.conf:3: key: cannot read /k: permission denied\n"
            "/etc/amtgate/amtgate.conf:6: password_file: the first line of /empty is empty\n"
            "/etc/amtgate/amtgate.conf:7: tls_ca: /ca holds no certificate in PEM\n"
            "/etc/amtgate/amtgate.conf:8: users: cannot read /etc/amtgate/users: no such file\n");
}

TEST_F(Load, TellsMistakesOfTextAndFilesTogether) {
  files.put(kFile,
            "[gateway]\nworkers = x\n[defaults]\npassword_file = /none\n[target a]\naddress=192.0.2.1\n[target b]\n");
  EXPECT_EQ(mistakes(),
            "/etc/amtgate/amtgate.conf:2: workers: 'x' is not a number from 0 to 256\n"
            "/etc/amtgate/amtgate.conf:4: password_file: cannot read /none: no such file\n"
            "/etc/amtgate/amtgate.conf:7: target b has no address\n");
}

TEST_F(Load, ReadsUsersAndVncPasswords) {
  files.put(kFile,
            "[gateway]\nusers = /u\n[target a]\naddress=192.0.2.1\npassword_file=/s\nclient_auth=users\n"
            "vnc_security=password\nvnc_password_file=/v\n");
  files.put("/u", "realm x\n");
  files.put("/s", "s");
  files.put("/v", "ninechars\n");
  const Parsed parsed = load();
  ASSERT_TRUE(parsed) << all(parsed.mistakes);
  EXPECT_EQ(parsed.config->gateway.users_text.reveal(), "realm x\n");
  EXPECT_EQ(parsed.config->targets[0].vnc_password.reveal(), "ninechars");
  EXPECT_EQ(
      all(parsed.warnings),
      "/etc/amtgate/amtgate.conf:8: vnc_password_file: VNC looks at the first 8 characters of a password only\n");
}

TEST_F(Load, RefusesKeyboardsThatXkbDoesNotKnow) {
  files.put(kFile,
            "[defaults]\npassword = x\nkeyboard = de(nodeadkeys)\n[target a]\naddress = 192.0.2.1\nkeyboard = deu\n"
            "[target b]\naddress = 192.0.2.2\nkeyboard = de(nodead)\n[target c]\naddress = 192.0.2.3\nkeyboard =\n"
            "[target d]\naddress = 192.0.2.4\n[target e]\naddress = 192.0.2.5\nkeyboard = deu\n");
  EXPECT_EQ(mistakes(),
            "/etc/amtgate/amtgate.conf:6: keyboard: 'deu' is not a layout XKB knows\n"
            "/etc/amtgate/amtgate.conf:9: keyboard: 'nodead' is not a variant XKB knows of the layout de\n"
            "/etc/amtgate/amtgate.conf:17: keyboard: 'deu' is not a layout XKB knows\n");
  files.put(kFile, "[defaults]\npassword = x\nkeyboard = xx\n");
  EXPECT_EQ(mistakes(), "/etc/amtgate/amtgate.conf:3: keyboard: 'xx' is not a layout XKB knows\n");
}

TEST(DiskFiles, ReadsRegularFilesOnly) {
  const std::string folder = testing::TempDir() + "amtgate-load-" + std::to_string(::getpid());
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/file") << "text";
  ::chmod((folder + "/file").c_str(), 0640);
  ASSERT_EQ(::mkfifo((folder + "/fifo").c_str(), 0600), 0);
  DiskFiles files;
  const auto file = files.read(folder + "/file", 4);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->text, "text");
  EXPECT_EQ(file->mode, 0640U);
  EXPECT_EQ(file->owner, ::geteuid());
  EXPECT_EQ(files.read(folder + "/file", 3).error().code, Errc::TooLarge);
  EXPECT_EQ(files.read(folder + "/fifo", 4).error().detail, "not a regular file");
  EXPECT_EQ(files.read(folder, 4).error().detail, "not a regular file");
  EXPECT_EQ(files.read(folder + "/none", 4).error().code, Errc::Unreachable);
  EXPECT_TRUE(files.list(folder + "/none")->empty());
  EXPECT_EQ(files.account("root"), std::optional<uid_t>(0));
  EXPECT_FALSE(files.account("no-such-account"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace amtgate::config
