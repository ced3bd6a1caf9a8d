#include "amtgate/cli/console_plan.h"

#include <gtest/gtest.h>

namespace amtgate::cli {
namespace {

/// "reach off attach boot(ider-cd) on view release"
std::string steps(const ConsoleWish& wish) {
  const Result<ConsolePlan> plan = console_plan(wish);
  if (!plan) return plan.error().detail;
  std::string out;
  for (const ConsoleStep& s : plan->steps) {
    out += (out.empty() ? "" : " ") + s.name;
    if (s.kind == ConsoleStep::Kind::Boot) out += "(" + plan->boot_word + ")";
  }
  return out;
}

ConsoleWish wish(std::initializer_list<const char*> boots) {
  ConsoleWish w;
  for (const char* text : boots) EXPECT_TRUE(set_boot(w, text)) << text;
  return w;
}

TEST(ConsolePlan, LooksAtWhatIsThere) {
  EXPECT_EQ(steps({}), "reach on view");
  ConsoleWish w;
  w.leave_power = true;
  EXPECT_EQ(steps(w), "reach view");
  w.cd = "x.iso";
  EXPECT_EQ(steps(w), "reach attach view release");
  w = {};
  w.sol = true;
  EXPECT_EQ(steps(w), "reach on view");
}

TEST(ConsolePlan, StartsFromWhatIsMeant) {
  EXPECT_EQ(steps(wish({"bios"})), "reach off boot(bios) on view");
  EXPECT_EQ(steps(wish({"pxe"})), "reach off boot(pxe) on view");
  EXPECT_EQ(steps(wish({"cd"})), "reach off boot(cd) on view");
  EXPECT_EQ(steps(wish({"cd=a.iso"})), "reach off attach boot(ider-cd) on view release");
  EXPECT_EQ(steps(wish({"floppy=a.img"})), "reach off attach boot(ider-floppy) on view release");
  EXPECT_EQ(steps(wish({"cd=a.iso", "floppy=a.img"})), "reach off attach boot(ider-cd) on view release");
  EXPECT_EQ(steps(wish({"cd=a.iso", "bios"})), "reach off attach boot(bios) on view release");
  ConsoleWish w = wish({"bios"});
  w.reset = true;
  EXPECT_EQ(steps(w), "reach boot(bios) reset view");
  w = {};
  w.restart = true;
  EXPECT_EQ(steps(w), "reach off on view");
}

TEST(ConsolePlan, HasTheFirmwareOnTheSerialConsole) {
  ConsoleWish w = wish({"bios"});
  w.sol = true;
  EXPECT_EQ(steps(w), "reach off boot(bios-sol) on view");
  w = wish({"cd=a.iso"});
  w.sol = true;
  EXPECT_EQ(steps(w), "reach off attach boot(ider-cd-sol) on view release");
  w = wish({"pxe"});
  w.sol = true;
  EXPECT_EQ(steps(w), "reach off boot(pxe) on view");
  w = {};
  w.sol = w.restart = true;
  EXPECT_EQ(steps(w), "reach off boot(sol) on view");
}

TEST(ConsolePlan, RefusesContraries) {
  ConsoleWish w = wish({"bios"});
  EXPECT_FALSE(set_boot(w, "pxe"));
  EXPECT_FALSE(set_boot(w, "cd="));
  EXPECT_FALSE(set_boot(w, "usb"));
  w.leave_power = true;
  EXPECT_FALSE(console_plan(w));
}

TEST(ViewerCommand, HasTheHostInItsPlace) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(viewer_command("vncviewer", "10.0.0.5"), (Words{"vncviewer", "10.0.0.5"}));
  EXPECT_EQ(viewer_command("  remmina  -c vnc://%h:5900 ", "10.0.0.5"),
            (Words{"remmina", "-c", "vnc://10.0.0.5:5900"}));
  EXPECT_EQ(viewer_command("v %h %h", "%h"), (Words{"v", "%h", "%h"}));
  EXPECT_TRUE(viewer_command("  ", "x").empty());
}

}  // namespace
}  // namespace amtgate::cli
