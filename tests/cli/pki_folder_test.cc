#include "amtgate/cli/pki_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "amtgate/sys/file.h"
#include "amtgate/tls/certificate_facts.h"
#include "amtgate/tls/rsa_key.h"

namespace amtgate::cli {
namespace {

class PkiFolderTest : public testing::Test {
 protected:
  PkiFolderTest() {
    char name[] = "/tmp/amtgate-pki-test.XXXXXX";
    root_ = ::mkdtemp(name);
    folder = root_ + "/pki";
    EXPECT_TRUE(PkiFolder::init(folder, "Lab CA", 365, false));
  }
  ~PkiFolderTest() override { std::filesystem::remove_all(root_); }

  static unsigned mode(const std::string& path) {
    struct stat st {};
    return ::stat(path.c_str(), &st) == 0 ? st.st_mode & 07777 : 0;
  }
  std::size_t indexed() const {
    const Result<std::string> text = sys::read_file(folder + "/index", 100'000);
    return text ? static_cast<std::size_t>(std::ranges::count(*text, '\n')) : 0;
  }

  std::string folder;

 private:
  std::string root_;
};

tls::Issue machine(const std::string& name, unsigned days = 100) {
  return {.common_name = name, .dns_names = {name}, .days = days};
}

TEST_F(PkiFolderTest, KeepsItsKeysToItsOwner) {
  Result<PkiFolder> pki = PkiFolder::open(folder);
  ASSERT_TRUE(pki) << pki.error().detail;
  const Result<Issued> issued = pki->issue("pc1", machine("pc1.example.org"), {});
  ASSERT_TRUE(issued) << issued.error().detail;
  EXPECT_EQ(mode(folder), 0700U);
  for (const std::string& key : {folder + "/ca.key", folder + "/machines/pc1.key", folder + "/index"}) {
    EXPECT_EQ(mode(key), 0600U) << key;
  }
  ::chmod((folder + "/ca.key").c_str(), 0644);
  EXPECT_FALSE(PkiFolder::open(folder)) << "others can read its key";
}

TEST_F(PkiFolderTest, IsMadeOnce) {
  const std::string before = *sys::read_file(folder + "/ca.pem", 100'000);
  EXPECT_EQ(PkiFolder::init(folder, "Other CA", 365, false).error().code, Errc::Refused);
  EXPECT_EQ(*sys::read_file(folder + "/ca.pem", 100'000), before);
}

TEST_F(PkiFolderTest, GivesTheSameAgainWhileItIsGood) {
  Result<PkiFolder> opened = PkiFolder::open(folder);
  ASSERT_TRUE(opened);
  PkiFolder& pki = *opened;
  const Issued first = *pki.issue("pc1", machine("pc1"), {});
  EXPECT_FALSE(first.again);
  const Issued again = *pki.issue("pc1", machine("pc1"), {});
  EXPECT_TRUE(again.again);
  EXPECT_EQ(again.cert_pem, first.cert_pem);
  EXPECT_EQ(again.key_pem, first.key_pem);
  EXPECT_EQ(indexed(), 1U);
  EXPECT_FALSE(pki.issue("pc1", machine("pc1.example.org"), {})->again) << "another name";
  EXPECT_FALSE(pki.issue("pc1", machine("pc1.example.org"), {}, true)->again) << "asked for";
  EXPECT_FALSE(pki.issue("pc2", machine("pc2", 10), {})->again);
  EXPECT_FALSE(pki.issue("pc2", machine("pc2", 10), {})->again) << "it ends too soon";
  EXPECT_EQ(indexed(), 5U);
}

TEST_F(PkiFolderTest, SignsAKeyThatTheMachineHas) {
  Result<PkiFolder> opened = PkiFolder::open(folder);
  ASSERT_TRUE(opened);
  PkiFolder& pki = *opened;
  const Buffer half = *tls::rsa_public_der(*tls::make_rsa_key(2048)),
               other = *tls::rsa_public_der(*tls::make_rsa_key(2048));
  const Issued issued = *pki.issue("pc1", machine("pc1"), half);
  EXPECT_TRUE(issued.key_file.empty() && issued.key_pem.empty());
  EXPECT_FALSE(sys::exists(folder + "/machines/pc1.key"));
  EXPECT_EQ(tls::certificate_facts(tls::parse_pem(issued.cert_pem)->front().der())->rsa_public, half);
  EXPECT_TRUE(pki.issue("pc1", machine("pc1"), half)->again);
  EXPECT_FALSE(pki.issue("pc1", machine("pc1"), other)->again);
}

TEST_F(PkiFolderTest, NamesNoFileOutsideItsFolder) {
  EXPECT_EQ(file_name_of("../../etc/passwd"), "_._.._etc_passwd");
  EXPECT_EQ(file_name_of("pc 1"), "pc_1");
  EXPECT_EQ(file_name_of("2001:db8::7"), "2001_db8__7");
}

TEST_F(PkiFolderTest, IsNotThere) {
  const Result<PkiFolder> none = PkiFolder::open(folder + "/none");
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().detail.find("pki init"), std::string::npos);
}

}  // namespace
}  // namespace amtgate::cli
