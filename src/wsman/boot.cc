#include "amtgate/wsman/boot.h"

#include <array>

namespace amtgate::wsman {
namespace {

constexpr std::array<BootWord, 12> kWords = {{
    {"none", "", "", false, false, false, false, "as the machine is set up"},
    {"pxe", "Force PXE Boot", "ForcePXEBoot", false, false, false, false, "from the network"},
    {"hdd", "Force Hard-drive Boot", "ForceHardDriveBoot", false, false, false, false, "from the disk"},
    {"cd", "Force CD/DVD Boot", "ForceCDorDVDBoot", false, false, false, false, "from the machine's own CD"},
    {"diag", "Force Diagnostic Boot", "ForceDiagnosticBoot", false, false, false, false, "to its own diagnosis"},
    {"bios", "", "BIOSSetup", false, false, false, true, "into the firmware's set-up"},
    {"bios-sol", "", "BIOSSetup", false, false, true, true, "the same, on the serial console"},
    {"sol", "", "SOL", false, false, true, false, "with the serial console"},
    {"ider-cd", "", "IDER", true, true, false, false, "from the CD that is served to it"},
    {"ider-floppy", "", "IDER", true, false, false, false, "from the floppy that is served to it"},
    {"ider-cd-sol", "", "IDER", true, true, true, false, "from that CD, with the serial console"},
    {"ider-floppy-sol", "", "IDER", true, false, true, false, "from that floppy, with the serial console"},
}};

constexpr std::string_view kConfig = "Intel(r) AMT: Boot Configuration 0";

std::string text(bool on) {
  return on ? "true" : "false";
}

/// Firmware gives them and refuses them.
constexpr std::string_view kNotToBePut[] = {"WinREBootEnabled",     "UEFILocalPBABootEnabled",
                                            "UEFIHTTPSBootEnabled", "SecureBootControlEnabled",
                                            "BootguardStatus",      "OptionsCleared",
                                            "BIOSLastStatus",       "UefiBootParametersArray",
                                            "RPEEnabled",           "RSEPassword"};

Result<void> change_order(Caller& machine, std::string_view source) {
  Instance in("CIM_BootConfigSetting");
  if (!source.empty()) {
    in.add("Source", Reference{"CIM_BootSourceSetting", {{"InstanceID", "Intel(r) AMT: " + std::string(source)}}});
  }
  const Result<Instance> done =
      invoke(machine, "ChangeBootOrder", std::move(in), {{"InstanceID", std::string(kConfig)}});
  if (!done) return done.error();
  return {};
}

Result<void> take_role(Caller& machine) {
  Instance in("CIM_BootService");
  in.add("BootConfigSetting", Reference{"CIM_BootConfigSetting", {{"InstanceID", std::string(kConfig)}}});
  in.add("Role", "1");  // for the next boot only; nothing else is supported
  const Result<Instance> done = invoke(machine, "SetBootConfigRole", std::move(in));
  if (!done) return done.error();
  return {};
}

}  // namespace

std::span<const BootWord> boot_words() {
  return kWords;
}

Result<void> arm_boot(Caller& machine, const BootWord& word) {
  if (!word.capability.empty()) {
    const Result<Instance> can = get(machine, "AMT_BootCapabilities");
    if (!can && can.error().code != Errc::Unsupported) return can.error();
    if (can && can->boolean(word.capability) == false) {
      return Error{Errc::Unsupported, "this machine cannot boot " + std::string(word.help) + " (" +
                                          std::string(word.capability) + " is not among its capabilities)"};
    }
  }
  Result<Instance> settings = get(machine, "AMT_BootSettingData");
  if (!settings) return settings.error();
  // What an earlier one has left must not stand beside it.
  if (const Result<void> cleared = change_order(machine, ""); !cleared) return cleared;
  for (const std::string_view name : kNotToBePut) settings->erase(name);
  for (const char* name : {"BIOSPause", "ConfigurationDataReset", "ReflashBIOS", "UseSafeMode", "UserPasswordBypass",
                           "LockKeyboard", "LockPowerButton", "LockResetButton", "LockSleepButton", "SecureErase"}) {
    if (settings->has(name)) settings->set(name, "false");
  }
  settings->set("BootMediaIndex", "0").set("FirmwareVerbosity", "0");
  settings->set("BIOSSetup", text(word.bios)).set("UseSOL", text(word.sol)).set("UseIDER", text(word.ider));
  settings->set("IDERBootDevice", word.ider_cd ? "1" : "0");
  if (const Result<Instance> done = put(machine, std::move(*settings)); !done) return done.error();
  if (const Result<void> done = take_role(machine); !done) return done;
  if (word.source.empty()) return {};
  return change_order(machine, word.source);
}

Result<std::string> armed_boot(Caller& machine) {
  const Result<Instance> settings = get(machine, "AMT_BootSettingData");
  if (!settings) return settings.error();
  std::string out;
  const auto add = [&](bool on, std::string_view word) {
    if (on) out += (out.empty() ? "" : " ") + std::string(word);
  };
  add(settings->boolean("BIOSSetup").value_or(false), "bios");
  const bool cd = settings->number("IDERBootDevice") == 1U;
  add(settings->boolean("UseIDER").value_or(false), cd ? "ider-cd" : "ider-floppy");
  add(settings->boolean("UseSOL").value_or(false), "sol");
  return out.empty() ? "none" : out;
}

}  // namespace amtgate::wsman
