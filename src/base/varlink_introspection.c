/* What every varlink service answers about itself (varlink.org, "Service"). */

#include "varlink_introspection.h"

#include "compiler.h"

#include <errno.h>
#include <string.h>

static const char description_text[] =
	"# What every varlink service answers\n"
	"interface org.varlink.service\n"
	"\n"
	"# Who answers here, and which interfaces\n"
	"method GetInfo() -> (\n"
	"  vendor: string,\n"
	"  product: string,\n"
	"  version: string,\n"
	"  url: string,\n"
	"  interfaces: []string\n"
	")\n"
	"\n"
	"# The description of an interface\n"
	"method GetInterfaceDescription(interface: string) -> (description: string)\n"
	"\n"
	"error InterfaceNotFound (interface: string)\n"
	"error MethodNotFound (method: string)\n"
	"error MethodNotImplemented (method: string)\n"
	"error InvalidParameter (parameter: string)\n"
	"error PermissionDenied ()\n"
	"error ExpectedMore ()\n";

static void get_info(struct varlink_call *call, json_t *parameters)
{
	(void)parameters;
	varlink_reply(call,
		json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor", "vmm", "product",
			program_invocation_short_name, "version", PROJECT_VERSION, "url", "",
			"interfaces", "org.varlink.service", varlink_call_interface(call)->name));
}

static void get_interface_description(struct varlink_call *call, json_t *parameters)
{
	const struct varlink_interface *interface = varlink_call_interface(call);
	const char *name = json_string_value(json_object_get(parameters, "interface"));
	const char *description = NULL;

	if (!name) {
		varlink_fail_parameter(call, "interface");
		return;
	}
	if (!strcmp(name, "org.varlink.service"))
		description = description_text;
	if (!strcmp(name, interface->name))
		description = interface->description;
	if (description)
		varlink_reply(call, json_pack("{s:s}", "description", description));
	else
		varlink_fail(call, "org.varlink.service.InterfaceNotFound",
			json_pack("{s:s}", "interface", name));
}

static const struct varlink_method methods[] = {
	{ "GetInfo", get_info },
	{ "GetInterfaceDescription", get_interface_description },
};

const struct varlink_interface varlink_introspection = {
	.name = "org.varlink.service",
	.description = description_text,
	.methods = methods,
	.count = ARRAY_SIZE(methods),
};
