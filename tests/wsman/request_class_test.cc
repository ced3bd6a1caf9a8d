#include "amtgate/wsman/request_class.h"

#include <gtest/gtest.h>

#include "amtgate/wsman/names.h"
#include "amtgate/wsman/reply.h"
#include "amtgate/wsman/request.h"

namespace amtgate::wsman {
namespace {

RequestClass judge(std::string_view body) {
  return judge_request("POST", "/wsman", body).kind;
}
std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

Request power(std::string_view method = "RequestPowerStateChange") {
  return invoke(method, Instance("CIM_PowerManagementService").add("PowerState", "8"));
}

TEST(RequestClass, TellsLooksFromSwitchesAndChanges) {
  const struct {
    Request request;
    RequestClass want;
  } rows[] = {
      {get("AMT_GeneralSettings"), RequestClass::Read},
      {get("CIM_BootSourceSetting", {{"InstanceID", "Intel(r) AMT: Force PXE Boot"}}), RequestClass::Read},
      {enumerate("CIM_SoftwareIdentity"), RequestClass::Read},
      {enumerate("CIM_SoftwareIdentity", EnumerationMode::Both), RequestClass::Read},
      {identify(), RequestClass::Read},
      {power(), RequestClass::Power},
      {invoke("ChangeBootOrder", Instance("CIM_BootConfigSetting")), RequestClass::Power},
      {invoke("SetBootConfigRole", Instance("CIM_BootService").add("Role", "1")), RequestClass::Power},
      {put(Instance("AMT_BootSettingData").add("UseIDER", "true").add("SecureErase", "false").add("RSEPassword", "")),
       RequestClass::Power},
      {put(Instance("AMT_BootSettingData").add("SecureErase", "true")), RequestClass::Change},
      {put(Instance("AMT_BootSettingData").add("UserPasswordBypass", "TRUE")), RequestClass::Change},
      {put(Instance("AMT_GeneralSettings").add("HostName", "x")), RequestClass::Change},
      {create(Instance("AMT_X")), RequestClass::Change},
      {remove("AMT_X", {{"InstanceID", "1"}}), RequestClass::Change},
      {power("RequestStateChange"), RequestClass::Change},
      {invoke("SetAdminAclEntryEx", Instance("AMT_AuthorizationService")), RequestClass::Change},
      {invoke("GetUserAclEntryEx", Instance("AMT_AuthorizationService")), RequestClass::Change},
  };
  for (const auto& row : rows) {
    const std::string xml = to_xml(row.request);
    EXPECT_EQ(judge(xml), row.want) << xml;
    EXPECT_EQ(judge("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + xml + "\n"), row.want);
  }
}

TEST(RequestClass, PagesAreReadAndFormsAreNot) {
  const struct {
    const char *method, *path, *body;
    RequestClass want;
  } rows[] = {
      {"GET", "/", "", RequestClass::Read},
      {"GET", "/index.htm", "", RequestClass::Read},
      {"HEAD", "/logon.htm", "", RequestClass::Read},
      {"GET", "/remoteform?power=off", "", RequestClass::Change},
      {"GET", "/index.htm", "x", RequestClass::Change},
      {"POST", "/remoteform", "", RequestClass::Change},
      {"PUT", "/amt-storage/x", "x", RequestClass::Change},
      {"DELETE", "/amt-storage/x", "", RequestClass::Change},
      {"get", "/", "", RequestClass::Change},
      {"OPTIONS", "/", "", RequestClass::Change},
      {"POST", "/wsman", "", RequestClass::Read},
      {"POST", "/wsman", " ", RequestClass::Change},
      {"POST", "/wsman?x", "", RequestClass::Change},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(judge_request(row.method, row.path, row.body).kind, row.want) << row.method << " " << row.path;
  }
  EXPECT_EQ(judge_request("GET", "/x?password=secret", "").what, "GET /x") << "a query is no matter for a log";
}

/// Each is a Get that some reader could take for a switch.
TEST(RequestClass, CannotBeFooled) {
  const std::string read = to_xml(get("CIM_PowerManagementService"));
  const std::string off = to_xml(power());
  ASSERT_EQ(judge(read), RequestClass::Read);
  const std::string off_action = action(Operation::Invoke, "CIM_PowerManagementService", "RequestPowerStateChange");
  const std::string get_action = action(Operation::Get, "", "");
  const std::string input = off.substr(off.find("<E:Body>"));
  const std::string rows[] = {
      replaced(read, "<A:Action>", "<A:Action>" + off_action + "</A:Action><A:Action>"),
      replaced(read, "</E:Header>", "<B:Action>" + off_action + "</B:Action></E:Header>"),
      replaced(read, "</E:Header>", "<B:action>" + off_action + "</B:action></E:Header>"),
      replaced(read, "</E:Header>", "<B:C:Action>" + off_action + "</B:C:Action></E:Header>"),
      replaced(read, "</A:ReplyTo>", "<A:Action>" + off_action + "</A:Action></A:ReplyTo>"),
      replaced(read, "<E:Body>", "<E:Body>" + off_action),
      replaced(read, "<E:Body></E:Body>", input.substr(0, input.find("</E:Envelope>"))),
      replaced(read, "<E:Body></E:Body>", "<E:Body></E:Body>" + input.substr(0, input.find("</E:Envelope>"))),
      replaced(read, "<E:Body></E:Body>", "<X:Body></X:Body>" + input.substr(0, input.find("</E:Envelope>"))),
      replaced(read, "<E:Header>", "<E:Header><A:Action>" + off_action + "</A:Action></E:Header><E:Header>"),
      read + off,
      off + read,
      read + " x",
      "x " + read,
      replaced(read, get_action, get_action + "<!-- -->/x"),
      replaced(read, get_action, "<![CDATA[" + get_action + "]]>"),
      replaced(read, "<E:Body>", "<!-- --><E:Body>"),
      replaced(read, "<E:Body>", "<?x y?><E:Body>"),
      replaced(read, get_action, get_action + "<x/>"),
      "<?xml version=\"1.0\" encoding=\"UTF-7\"?>" + read,
      std::string("<?xml version=\"1.0\"?>\0", 22) + read,
      replaced(read, "<W:ResourceURI>", "<W:ResourceURI>http://x/AMT_A</W:ResourceURI><W:ResourceURI>"),
      replaced(off, off_action, get_action),
      replaced(to_xml(identify()), "<E:Header>", "<E:Header><A:Action>" + off_action + "</A:Action>"),
      read.substr(0, read.size() / 2),
  };
  for (const std::string& xml : rows) EXPECT_EQ(judge(xml), RequestClass::Change) << xml;
}

TEST(RequestClass, PowerMustAgreeToo) {
  const std::string off = to_xml(power());
  ASSERT_EQ(judge(off), RequestClass::Power);
  const std::string uri = class_uri("CIM_PowerManagementService");
  const std::string rows[] = {
      replaced(off, "<W:ResourceURI>" + uri, "<W:ResourceURI>" + class_uri("AMT_SetupAndConfigurationService")),
      replaced(off, "<W:ResourceURI>" + uri, "<W:ResourceURI>http://x/CIM_PowerManagementService"),
      replaced(off, "_INPUT", "_INPUTS"),
  };
  for (const std::string& xml : rows) EXPECT_EQ(judge(xml), RequestClass::Change) << xml;
}

TEST(AccessDenied, IsAFaultThatOurOwnReaderUnderstands) {
  Request r = power();
  r.message_id = "uuid:7<";
  const Judged judged = judge_request("POST", "/wsman", to_xml(r));
  EXPECT_EQ(judged.what, "CIM_PowerManagementService.RequestPowerStateChange");
  const Result<Reply> reply =
      parse_reply(access_denied(judged.message_id, std::string(kGatewayReason) + "nobody may"));
  ASSERT_TRUE(reply) << reply.error().detail;
  ASSERT_TRUE(reply->fault);
  EXPECT_EQ(reply->fault->subcode, "AccessDenied");
  EXPECT_EQ(reply->fault->sentence(), "the gateway does not let this through: nobody may");
}

}  // namespace
}  // namespace amtgate::wsman
