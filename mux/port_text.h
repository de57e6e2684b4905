#ifndef PORT_TEXT_H
#define PORT_TEXT_H

#include "wire_control.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How the settings of wires and ports are written, in muxd.toml and on the command line. The
 * readers return NULL, or what is wrong: "must be ..."; then nothing has changed. The writers
 * return text.
 */

/* "access=5", "trunk=5,7-9", "trunk=all" or "none": vlan_mode, vlan and trunk. VLANs: 1 to 4094. */
const char *port_read_vlan(const char *text, size_t length, struct port_settings *settings);
/* "52:54:00:00:00:01", the address of one station; "any": all zero. */
const char *port_read_mac(const char *text, size_t length, uint8_t mac[6]);
/* "off", "always", or a duration up to 1s: "50us". */
const char *port_read_poll(const char *text, size_t length, uint64_t *poll_ns);
/* A duration up to 10s: "10ms"; "0s" or "none": none. */
const char *port_read_delay(const char *text, size_t length, uint32_t *delay_us);
/* A percentage, two digits behind the point at most: "0.5%"; "none": none. */
const char *port_read_loss(const char *text, size_t length, uint16_t *loss_per_10000);
/* Bits a second: "100Mbit", also bit, kbit, Gbit, powers of 1000; "none": unlimited. */
const char *port_read_rate(const char *text, size_t length, uint64_t *bytes_per_second);

#define PORT_TEXT_MAX 128 /* a trunk of many VLANs is cut, and ends in "..." */

const char *port_write_vlan(char text[PORT_TEXT_MAX], const struct port_settings *settings);
const char *port_write_mac(char text[PORT_TEXT_MAX], const uint8_t mac[6]); /* or "any" */
const char *port_write_poll(char text[PORT_TEXT_MAX], uint64_t poll_ns);
const char *port_write_delay(char text[PORT_TEXT_MAX], uint32_t delay_us);
const char *port_write_loss(char text[PORT_TEXT_MAX], uint16_t loss_per_10000);
const char *port_write_rate(char text[PORT_TEXT_MAX], uint64_t bytes_per_second);

#endif
