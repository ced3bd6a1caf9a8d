#include "amtgate/http/banner.h"

#include <gtest/gtest.h>

namespace amtgate::http {
namespace {

struct Row {
  const char* name;
  const char* head;
  const char* version;  // null: no AMT
};

TEST(Banner, NamesTheFirmware) {
  const Row rows[] = {
      {"login page",
       "HTTP/1.1 303 See Other\r\nLocation: /logon.htm\r\nServer: Intel(R) Active Management Technology "
       "16.1.30\r\n\r\n",
       "16.1.30"},
      {"any case, bare newlines",
       "HTTP/1.1 401 Unauthorized\nSERVER:Intel(R) Active Management Technology 8.1.71 \n\n", "8.1.71"},
      {"standard manageability", "HTTP/1.1 200 OK\r\nServer: Intel(R) Standard Manageability 11.8.50\r\n\r\n",
       "11.8.50"},
      {"no version", "HTTP/1.1 200 OK\r\nServer: Intel(R) Active Management Technology\r\n\r\n", ""},
      {"a version of something else",
       "HTTP/1.1 200 OK\r\nServer: Intel(R) Active Management Technology \x1b[2J\r\n\r\n", ""},
      {"another server", "HTTP/1.1 200 OK\r\nServer: nginx\r\n\r\n", nullptr},
      {"no server", "HTTP/1.1 200 OK\r\nDate: x\r\n\r\n", nullptr},
      {"in the page", "HTTP/1.1 200 OK\r\n\r\nServer: Intel(R) Active Management Technology 16.1.30\r\n", nullptr},
      {"cut", "HTTP/1.1 200 OK\r\nServer: Intel(R) Active Management Technology 16.", nullptr},
      {"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", nullptr},
      {"empty", "", nullptr},
  };
  for (const Row& row : rows) {
    const std::optional<Banner> banner = parse_banner(row.head);
    ASSERT_EQ(banner.has_value(), row.version != nullptr) << row.name;
    if (banner) {
      EXPECT_EQ(banner->version, row.version) << row.name;
    }
  }
}

}  // namespace
}  // namespace amtgate::http
