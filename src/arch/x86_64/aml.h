#ifndef AML_H
#define AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writes ACPI Machine Language (ACPI 6.4, chapter 20) into a buffer; what does not fit is dropped
 * and noted. Things that contain others are opened, filled and closed:
 *
 *	size_t device = aml_open_device(aml, "COM1");
 *	aml_name_string(aml, "_HID", "PNP0501");
 *	aml_close(aml, device);
 */
struct aml {
	uint8_t *bytes;
	size_t size;
	size_t length;
	bool full; /* something did not fit */
};

size_t aml_open_scope(struct aml *aml, const char *path);
size_t aml_open_device(struct aml *aml, const char *name);
size_t aml_open_method(struct aml *aml, const char *name, unsigned arguments);
void aml_close(struct aml *aml, size_t opened);

void aml_name_integer(struct aml *aml, const char *name, uint32_t value);
void aml_name_string(struct aml *aml, const char *name, const char *value);
void aml_name_bytes_package(struct aml *aml, const char *name, const uint8_t *values,
	uint8_t count);
void aml_notify(struct aml *aml, const char *path, uint8_t value);

/* _CRS: the resources of a device, in any number. */
size_t aml_open_resources(struct aml *aml);
void aml_resource_memory(struct aml *aml, uint32_t base, uint32_t length);
void aml_resource_ports(struct aml *aml, uint16_t base, uint8_t length);
void aml_resource_edge_interrupt(struct aml *aml, uint32_t gsi);
void aml_close_resources(struct aml *aml, size_t opened);

#endif
