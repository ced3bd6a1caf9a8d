#include "amtgate/sim/console.h"

#include <gtest/gtest.h>

#include "amtgate/sim/json_line.h"

namespace amtgate::sim {
namespace {

std::string drain(Console& c, std::size_t piece = 4096) {
  std::string out;
  Buffer buffer(piece);
  while (const std::size_t n = c.output(buffer)) out += as_text(Bytes(buffer).first(n));
  return out;
}

Console fresh() {
  Console c({"pc1", "16.1.30", "1024x768"});
  drain(c);
  return c;
}

std::string type(Console& c, std::string_view keys) {
  c.input(as_bytes(keys));
  return drain(c);
}

TEST(Console, GreetsAndPrompts) {
  Console c({"pc1", "16.1.30", "1024x768"});
  const std::string text = drain(c);
  EXPECT_NE(text.find("pc1: simulated Intel AMT 16.1.30"), std::string::npos);
  EXPECT_TRUE(text.ends_with("amt> "));
  EXPECT_FALSE(c.has_output());
}

TEST(Console, EchoesAndAnswers) {
  Console c = fresh();
  EXPECT_EQ(type(c, "echo one  two\r"), "echo one  two\r\none  two\r\namt> ");
  EXPECT_EQ(type(c, "size\r\n"), "size\r\nscreen 1024x768, AMT 16.1.30\r\namt> ");
  EXPECT_EQ(type(c, "\r"), "\r\namt> ");
  EXPECT_EQ(type(c, "what\n"), "what\r\nunknown command 'what', try help\r\namt> ");
  EXPECT_NE(type(c, "help\r").find("stream N [raw]"), std::string::npos);
  EXPECT_NE(type(c, "stream 0\r").find("usage: stream"), std::string::npos);
  EXPECT_NE(type(c, "sink\r").find("usage: sink"), std::string::npos);
  EXPECT_NE(type(c, "sink 1 raw\r").find("usage: sink"), std::string::npos);
}

TEST(Console, EditsTheLine) {
  Console c = fresh();
  EXPECT_EQ(type(c, "echx\x7fo hi\r"), "echx\b \bo hi\r\nhi\r\namt> ");
  EXPECT_TRUE(type(c,
                   "junk\x15"
                   "echo a b\x17"
                   "c\r")
                  .ends_with("a c\r\namt> "));
  EXPECT_EQ(type(c, "junk\x03"), "junk^C\r\namt> ");
  EXPECT_EQ(type(c, "\x7f"), "");
  const std::string bell = type(c, std::string(Console::kMaxLine + 1, 'x'));
  EXPECT_EQ(bell.back(), '\a');
  EXPECT_EQ(bell.size(), Console::kMaxLine + 1);
}

TEST(Console, StreamsWithItsDigest) {
  for (const bool raw : {false, true}) {
    Console c = fresh();
    const std::string command = raw ? "stream 2 raw\r" : "stream 2\r";
    c.input(as_bytes(command));
    c.input(as_bytes("echo typed ahead\r"));
    const std::string text = drain(c, 1000);
    const std::string begin = "-- stream of 2097152 bytes begins --\r\n";
    const std::size_t at = text.find(begin);
    ASSERT_NE(at, std::string::npos);
    const std::string data = text.substr(at + begin.size(), 2 * 1024 * 1024);
    const std::string digest = sha256_hex(as_bytes(data));
    EXPECT_EQ(digest, stream_sha256(2, raw));
    EXPECT_NE(text.find("-- stream ends, sha256 " + digest + " --\r\namt> "), std::string::npos);
    EXPECT_TRUE(text.ends_with("typed ahead\r\namt> "));
  }
}

TEST(Console, StreamOfTextIsLines) {
  Buffer data(192);
  fill_stream(data, 64, false);
  const std::string_view text = as_text(data);
  EXPECT_EQ(text.substr(0, 20), "000000000001 HIJKLMN");
  EXPECT_EQ(text.substr(62, 2), "\r\n");
  EXPECT_EQ(text.substr(64, 13), "000000000002 ");
  Buffer part(50);
  fill_stream(part, 71, false);
  EXPECT_EQ(as_text(part), text.substr(7, 50)) << "any cut gives the same bytes";
}

TEST(Console, AStreamIsAbandonedByCtrlC) {
  Console c = fresh();
  c.input(as_bytes("stream 100\r"));
  Buffer piece(10000);
  c.output(piece);
  c.input(as_bytes("\x03"));
  const std::string rest = drain(c);
  EXPECT_NE(rest.find("^C after "), std::string::npos);
  EXPECT_TRUE(rest.ends_with("amt> "));
}

TEST(Console, SinksExactlyWhatWasAnnounced) {
  Console c = fresh();
  c.input(as_bytes("sink 1\r"));
  EXPECT_TRUE(drain(c).ends_with("-- send 1048576 bytes now --\r\n"));
  Buffer data(1024 * 1024);
  fill_stream(data, 0, true);
  EXPECT_EQ(type(c, as_text(Bytes(data).first(1000))), "");
  EXPECT_EQ(type(c, as_text(Bytes(data).subspan(1000))),
            "-- took 1048576 bytes, sha256 " + sha256_hex(data) + " --\r\namt> ");
  EXPECT_EQ(type(c, "echo x\r"), "echo x\r\nx\r\namt> ");
}

TEST(Console, RebootIsAskedForOnce) {
  Console c = fresh();
  type(c, "reboot\r");
  const auto action = c.next_action();
  ASSERT_TRUE(action);
  EXPECT_TRUE(std::holds_alternative<Console::Reboot>(*action));
  EXPECT_FALSE(c.next_action());
}

TEST(Console, ChangesTheModeOfTheScreen) {
  Console c = fresh();
  EXPECT_EQ(type(c, "mode 800x600\r"), "mode 800x600\r\nscreen 800x600\r\namt> ");
  const auto action = c.next_action();
  ASSERT_TRUE(action);
  EXPECT_EQ(std::get<Size>(*action), (Size{800, 600}));
  EXPECT_NE(type(c, "mode 9\r").find("size '9'"), std::string::npos);
  EXPECT_FALSE(c.next_action());
}

TEST(JsonLine, EscapesWhatAClientSent) {
  JsonLine line("auth");
  line.add("ok", true).add("user", "a\"b\\c\n\xff").add("n", 42).add("rate", 1.5).add("bad", 0.0 / 0.0 * 1.0);
  EXPECT_EQ(line.fields(),
            R"("event":"auth","ok":true,"user":"a\"b\\c\u000a\u00ff","n":42,"rate":1.500,"bad":0.000)");
}

TEST(Sha256, KnowsItsVectors) {
  EXPECT_EQ(sha256_hex(as_bytes("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace amtgate::sim
