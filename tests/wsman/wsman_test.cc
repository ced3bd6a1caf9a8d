#include <gtest/gtest.h>

#include "amtgate/wsman/document.h"
#include "amtgate/wsman/reply.h"
#include "amtgate/wsman/request.h"

namespace amtgate::wsman {
namespace {

std::string envelope(std::string_view body, std::string_view header = "") {
  return "<a:Envelope xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\"><a:Header>" + std::string(header) +
         "</a:Header><a:Body>" + std::string(body) + "</a:Body></a:Envelope>";
}

TEST(Names, ClassesOfEachFamily) {
  EXPECT_EQ(class_uri("AMT_GeneralSettings"), "http://intel.com/wbem/wscim/1/amt-schema/1/AMT_GeneralSettings");
  EXPECT_EQ(class_uri("IPS_OptInService"), "http://intel.com/wbem/wscim/1/ips-schema/1/IPS_OptInService");
  EXPECT_EQ(class_uri("CIM_BootService"), "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_BootService");
  EXPECT_EQ(class_of(class_uri("CIM_BootService")), "CIM_BootService");
}

TEST(Names, ActionsAreReadAgain) {
  for (const Operation op : {Operation::Get, Operation::Put, Operation::Create, Operation::Delete,
                             Operation::Enumerate, Operation::Pull, Operation::Release}) {
    const auto parts = parse_action(action(op, "CIM_BootService", ""));
    ASSERT_TRUE(parts) << name(op);
    EXPECT_EQ(parts->op, op);
  }
  const auto parts = parse_action(action(Operation::Invoke, "CIM_BootService", "SetBootConfigRole"));
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->op, Operation::Invoke);
  EXPECT_EQ(parts->method, "SetBootConfigRole");
  EXPECT_FALSE(parse_action("http://schemas.xmlsoap.org/ws/2004/08/eventing/Subscribe"));
  EXPECT_FALSE(parse_action("http://schemas.xmlsoap.org/ws/2004/09/transfer/Move"));
  EXPECT_FALSE(parse_action("Get"));
  EXPECT_FALSE(parse_action(class_uri("CIM_BootService") + "/Set~Role"));
}

// As meshcommander sends it, in substance: other prefixes, other order, the body an associator's reference.
TEST(Request, TakesAnotherClientsPowerRequest) {
  const Result<Request> r = parse_request(
      "<?xml version=\"1.0\" encoding=\"utf-8\"?><Envelope "
      "xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "
      "xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\" xmlns=\"http://www.w3.org/2003/05/soap-envelope\">"
      "<Header><a:Action>http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_PowerManagementService/"
      "RequestPowerStateChange</a:Action><a:To>/wsman</a:To><w:ResourceURI>http://schemas.dmtf.org/wbem/wscim/1/"
      "cim-schema/2/CIM_PowerManagementService</w:ResourceURI><a:MessageID>13</a:MessageID><w:SelectorSet>"
      "<w:Selector wsman:Name=\"Name\">Intel(r) AMT Power Management "
      "Service</w:Selector></w:SelectorSet></Header><Body>"
      "<r:RequestPowerStateChange_INPUT xmlns:r=\"x\"><r:PowerState>10</r:PowerState><r:ManagedElement><Address "
      "xmlns=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\">http://schemas.xmlsoap.org/ws/2004/08/addressing"
      "</Address><ReferenceParameters><ResourceURI>http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
      "CIM_ComputerSystem</ResourceURI><SelectorSet><Selector "
      "Name=\"CreationClassName\">CIM_ComputerSystem</Selector>"
      "<Selector Name=\"Name\">ManagedSystem</Selector></SelectorSet></ReferenceParameters></r:ManagedElement>"
      "</r:RequestPowerStateChange_INPUT></Body></Envelope>");
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->operation, Operation::Invoke);
  EXPECT_EQ(r->what(), "CIM_PowerManagementService.RequestPowerStateChange");
  EXPECT_EQ(r->message_id, "13");
  EXPECT_EQ(r->body.number("PowerState"), 10U);
  const Reference* element = r->body.reference("ManagedElement");
  ASSERT_NE(element, nullptr);
  const std::vector<Selector> keys = {{"CreationClassName", "CIM_ComputerSystem"}, {"Name", "ManagedSystem"}};
  EXPECT_EQ(*element, (Reference{"CIM_ComputerSystem", keys}));
  ASSERT_EQ(r->selectors.size(), 1U);
  EXPECT_EQ(r->selectors[0], (Selector{"Name", "Intel(r) AMT Power Management Service"}));
}

TEST(Request, IsUnderstoodAsItWasMeant) {
  Instance body("AMT_TLSCredentialContext");
  body.add("Text", "a < b & \"c\" ü").add("When", Datetime{"2024-01-03T00:44:35Z"});
  body.add("ElementInContext",
           Reference{"AMT_PublicKeyCertificate", {{"InstanceID", "Intel(r) AMT Certificate: Handle: 1"}}});
  const Reference key{"CIM_ComputerSystem", {{"Name", "x"}}};
  std::vector<Request> all = {get("AMT_GeneralSettings"),
                              put(body, {{"A", "1"}, {"B", key}}),
                              create(body),
                              remove("AMT_TLSCredentialContext", {{"ElementInContext", key}}),
                              enumerate("CIM_Chip"),
                              enumerate("CIM_Chip", EnumerationMode::References),
                              enumerate("CIM_Chip", EnumerationMode::Both),
                              invoke("Do", body, {{"Name", "n"}}),
                              identify()};
  all.push_back(get("CIM_Chip"));
  all.back().operation = Operation::Pull;
  all.back().context = "14000000-0000-0000-0000-000000000000";
  for (Request& want : all) {
    if (want.operation != Operation::Identify) want.message_id = "7";
    const Result<Request> got = parse_request(to_xml(want));
    ASSERT_TRUE(got) << want.what() << ": " << got.error().detail;
    EXPECT_EQ(got->what(), want.what());
    EXPECT_EQ(got->selectors, want.selectors) << want.what();
    EXPECT_EQ(got->body, want.body) << want.what();
    EXPECT_EQ(got->context, want.context);
    EXPECT_EQ(got->mode, want.mode);
    EXPECT_EQ(got->message_id, want.message_id);
  }
}

TEST(Request, RefusesWhatIsNone) {
  EXPECT_EQ(parse_request(envelope("")).error().code, Errc::BadValue);
  EXPECT_EQ(parse_request(envelope("", "<Action>http://schemas.xmlsoap.org/ws/2004/08/eventing/Subscribe</Action>"))
                .error()
                .code,
            Errc::Unsupported);
  EXPECT_EQ(
      parse_request(envelope("", "<Action>http://schemas.xmlsoap.org/ws/2004/09/transfer/Get</Action>")).error().code,
      Errc::BadValue);
}

TEST(Document, RefusesHostileXml) {
  std::string deep, wide;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  for (std::size_t i = 0; i < kMaxElements; ++i) wide += "<a></a>";
  struct Row {
    const char* name;
    std::string xml;
    Errc code;
  };
  const Row rows[] = {
      {"empty", "", Errc::BadValue},
      {"no_xml", "hello", Errc::BadValue},
      {"half", "<a:Envelope><a:Body>", Errc::BadValue},
      {"open_levels", deep, Errc::BadValue},
      {"other_root", "<a></a>", Errc::BadValue},
      {"doctype", "<!DOCTYPE a [<!ENTITY b \"cc\">]>" + envelope("<x>&b;</x>"), Errc::BadValue},
      {"huge", envelope(std::string(kMaxEnvelope, 'x')), Errc::TooLarge},
      {"wide", envelope(wide), Errc::TooLarge},
      {"latin1", envelope("<x>\xfc</x>"), Errc::BadValue},
      {"utf16", std::string("\xff\xfe<\0a\0>\0", 8), Errc::BadValue},
      {"overlong", envelope("<x>\xc0\xaf</x>"), Errc::BadValue},
      {"surrogate", envelope("<x>\xed\xa0\x80</x>"), Errc::BadValue},
  };
  for (const Row& row : rows) {
    const Result<Reply> r = parse_reply(row.xml);
    ASSERT_FALSE(r) << row.name;
    EXPECT_EQ(r.error().code, row.code) << row.name << ": " << r.error().detail;
  }
  std::string closed;
  for (int i = 0; i < 40; ++i) closed = "<a>" + closed + "</a>";
  EXPECT_EQ(parse_reply(envelope(closed)).error().code, Errc::TooLarge);
}

TEST(Reply, TakesTheLastOfAnEnumeration) {
  const Result<Reply> r = parse_reply(
      envelope("<g:PullResponse><g:Items><h:AMT_TLSProtocolEndpointCollection><h:ElementName>TLSProtocolEndpoint "
               "Instances Collection</h:ElementName></h:AMT_TLSProtocolEndpointCollection></g:Items>"
               "<g:EndOfSequence></g:EndOfSequence></g:PullResponse>"));
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->end);
  EXPECT_EQ(r->context, "");
  ASSERT_EQ(r->items.size(), 1U);
  EXPECT_EQ(r->items[0].instance.class_name(), "AMT_TLSProtocolEndpointCollection");
  EXPECT_EQ(r->items[0].instance.text("ElementName"), "TLSProtocolEndpoint Instances Collection");
}

TEST(Reply, TakesObjectsWithReferences) {
  const Result<Reply> r = parse_reply(envelope(
      "<g:PullResponse><g:EnumerationContext>05</g:EnumerationContext><g:Items><c:Item><h:CIM_Chip><h:Tag>CPU 0"
      "</h:Tag></h:CIM_Chip><b:EndpointReference><b:Address>x</b:Address><b:ReferenceParameters><c:ResourceURI>"
      "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_Chip</c:ResourceURI><c:SelectorSet><c:Selector "
      "Name=\"Tag\">CPU 0</c:Selector></c:SelectorSet></b:ReferenceParameters></b:EndpointReference></c:Item>"
      "</g:Items></g:PullResponse>"));
  ASSERT_TRUE(r);
  EXPECT_FALSE(r->end);
  EXPECT_EQ(r->context, "05");
  ASSERT_EQ(r->items.size(), 1U);
  EXPECT_EQ(r->items[0].instance.text("Tag"), "CPU 0");
  ASSERT_TRUE(r->items[0].reference);
  EXPECT_EQ(*r->items[0].reference, (Reference{"CIM_Chip", {{"Tag", "CPU 0"}}}));
}

TEST(Reply, TakesATime) {
  const Result<Reply> r =
      parse_reply(envelope("<g:CIM_X><g:P><h:Datetime>2024-01-03T00:44:35Z</h:Datetime></g:P></g:CIM_X>"));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->instance.text("P"), "2024-01-03T00:44:35Z");
}

std::string fault(std::string_view code, std::string_view detail = "") {
  return envelope(
      "<a:Fault><a:Code><a:Value>a:Sender</a:Value><a:Subcode><a:Value>" + std::string(code) +
      "</a:Value></a:Subcode></a:Code><a:Reason><a:Text xml:lang=\"en-US\">no</a:Text></a:Reason><a:Detail>" +
      std::string(detail) + "</a:Detail></a:Fault>");
}

TEST(Fault, SaysWhatToDo) {
  Result<Reply> r = parse_reply(fault("b:DestinationUnreachable"));
  ASSERT_TRUE(r && r->fault);
  EXPECT_EQ(r->fault->subcode, "DestinationUnreachable");
  EXPECT_EQ(r->fault->sentence(), "the firmware does not have this class");
  r = parse_reply(fault("e:InternalError", "<x>AMT-STATUS 2054</x>"));
  ASSERT_TRUE(r && r->fault);
  EXPECT_EQ(r->fault->pt_status, 2054U);
  EXPECT_NE(r->fault->sentence().find("invalid password (status 2054); it needs 8 to 32 characters"),
            std::string::npos);
  r = parse_reply(fault("e:SomethingNew"));
  EXPECT_EQ(r->fault->sentence(), "the fault SomethingNew: no");
}

TEST(ReturnValue, MeansWhatItsMethodSays) {
  const auto said = [](std::string_view class_name, std::string_view method, std::string value) {
    Instance out("X_OUTPUT");
    out.add("ReturnValue", std::move(value));
    const Result<void> r = check_return_value(class_name, method, out);
    return r ? std::string() : r.error().detail;
  };
  EXPECT_EQ(said("CIM_PowerManagementService", "RequestPowerStateChange", "0"), "");
  EXPECT_EQ(said("CIM_PowerManagementService", "RequestPowerStateChange", "2"),
            "RequestPowerStateChange: it failed for a reason of its own (ReturnValue 2)");
  EXPECT_EQ(said("CIM_BootConfigSetting", "ChangeBootOrder", "5"),
            "ChangeBootOrder: invalid parameter (ReturnValue 5)");
  EXPECT_EQ(said("CIM_BootConfigSetting", "ChangeBootOrder", "32784").substr(0, 41),
            "ChangeBootOrder: not permitted (status 16");
  EXPECT_EQ(said("AMT_AuthorizationService", "AddUserAclEntryEx", "2058"),
            "AddUserAclEntryEx: it is there already (status 2058); take the old one away first, or go on without");
  EXPECT_EQ(said("IPS_OptInService", "SendOptInCode", "3"),
            "SendOptInCode: blocked after too many wrong codes (ReturnValue 3)");
  EXPECT_EQ(said("AMT_X", "Y", "9999"), "Y: status 9999");
  EXPECT_NE(said("AMT_X", "Y", "").find("without a ReturnValue"), std::string::npos);
}

}  // namespace
}  // namespace amtgate::wsman
