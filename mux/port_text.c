/* Settings of wires and ports, as operators write them. */

#include "port_text.h"

#include "ethernet_address.h"
#include "units.h"

#include <stdio.h>
#include <string.h>

#define VLAN_LAST 4094
#define MAC_LENGTH ETHERNET_ADDRESS_SIZE
#define POLL_MOST_US 1000000
#define DELAY_MOST_US 10000000

static const char vlan_problem[] =
	"must be \"access=VLAN\", \"trunk=VLAN,FIRST-LAST...\", \"trunk=all\" or \"none\", VLANs from 1 to "
	"4094";

static bool is(const char *text, size_t length, const char *word)
{
	return length == strlen(word) && memcmp(text, word, length) == 0;
}

/* A decimal number at the start of a text that ends at end; moves *text behind it. */
static bool read_number(const char **text, const char *end, unsigned most, unsigned *number)
{
	const char *start = *text;

	for (*number = 0; *text < end && **text >= '0' && **text <= '9'; ++*text) {
		*number = *number * 10 + (unsigned)(**text - '0');
		if (*number > most)
			return false;
	}
	return *text > start;
}

static void set_bits(uint8_t *bits, unsigned first, unsigned last)
{
	for (unsigned i = first; i <= last; i++)
		bits[i / 8] |= (uint8_t)(1 << i % 8);
}

/* "5,7-9" */
static bool read_trunk(const char *text, const char *end, uint8_t *trunk)
{
	for (;;) {
		unsigned first;
		unsigned last;

		if (!read_number(&text, end, VLAN_LAST, &first))
			return false;
		last = first;
		if (text < end && *text == '-') {
			text++;
			if (!read_number(&text, end, VLAN_LAST, &last))
				return false;
		}
		if (!first || last < first)
			return false;
		set_bits(trunk, first, last);
		if (text == end)
			return true;
		if (*text++ != ',')
			return false;
	}
}

const char *port_read_vlan(const char *text, size_t length, struct port_settings *settings)
{
	static const char access_word[] = "access=";
	static const char trunk_word[] = "trunk=";
	const char *end = text + length;
	uint8_t trunk[sizeof(settings->trunk)] = { 0 };
	enum port_vlan mode = PORT_VLAN_NONE;
	unsigned vlan = 0;

	if (is(text, length, "trunk=all")) {
		mode = PORT_VLAN_TRUNK;
		set_bits(trunk, 1, VLAN_LAST);
	} else if (length > strlen(trunk_word) &&
		strncmp(text, trunk_word, strlen(trunk_word)) == 0) {
		mode = PORT_VLAN_TRUNK;
		if (!read_trunk(text + strlen(trunk_word), end, trunk))
			return vlan_problem;
	} else if (length > strlen(access_word) &&
		strncmp(text, access_word, strlen(access_word)) == 0) {
		text += strlen(access_word);
		mode = PORT_VLAN_ACCESS;
		if (!read_number(&text, end, VLAN_LAST, &vlan) || text != end || !vlan)
			return vlan_problem;
	} else if (!is(text, length, "none")) {
		return vlan_problem;
	}
	settings->vlan_mode = (uint8_t)mode;
	settings->vlan = (uint16_t)vlan;
	memcpy(settings->trunk, trunk, sizeof(trunk));
	return NULL;
}

static bool is_station(const uint8_t mac[MAC_LENGTH])
{
	static const uint8_t zero[MAC_LENGTH];

	return !(mac[0] & 1) && memcmp(mac, zero, MAC_LENGTH) != 0;
}

const char *port_read_mac(const char *text, size_t length, uint8_t mac[MAC_LENGTH])
{
	uint8_t bytes[MAC_LENGTH] = { 0 };

	if (!is(text, length, "any") &&
		(!ethernet_address_read(text, length, bytes) || !is_station(bytes)))
		return "must be \"any\" or the address of one station such as \"52:54:00:00:00:01\"";
	memcpy(mac, bytes, MAC_LENGTH);
	return NULL;
}

const char *port_read_poll(const char *text, size_t length, uint64_t *poll_ns)
{
	uint64_t us;

	if (is(text, length, "always"))
		*poll_ns = WIRE_POLL_ALWAYS;
	else if (is(text, length, "off"))
		*poll_ns = 0;
	else if (units_read_duration_us(text, length, &us) && us <= POLL_MOST_US)
		*poll_ns = us * 1000;
	else
		return "must be \"off\", \"always\" or a duration up to 1s such as \"50us\"";
	return NULL;
}

const char *port_read_delay(const char *text, size_t length, uint32_t *delay_us)
{
	uint64_t us = 0;

	if (!is(text, length, "none") &&
		(!units_read_duration_us(text, length, &us) || us > DELAY_MOST_US))
		return "must be \"none\" or a duration up to 10s such as \"20ms\"";
	*delay_us = (uint32_t)us;
	return NULL;
}

/* "12.5%", in hundredths of a percent. */
static bool read_percentage(const char *text, const char *end, unsigned *number)
{
	const char *digits;
	unsigned fraction = 0;

	if (!read_number(&text, end, 100, number))
		return false;
	*number *= 100;
	if (text < end && *text == '.') {
		digits = ++text;
		if (!read_number(&text, end, 99, &fraction) || text - digits > 2)
			return false;
		*number += text - digits == 1 ? fraction * 10 : fraction;
	}
	return text + 1 == end && *text == '%' && *number <= 10000;
}

const char *port_read_loss(const char *text, size_t length, uint16_t *loss_per_10000)
{
	unsigned number = 0;

	if (!is(text, length, "none") && !read_percentage(text, text + length, &number))
		return "must be \"none\" or a percentage such as \"0.5%\", with two digits behind the "
		       "point at most";
	*loss_per_10000 = (uint16_t)number;
	return NULL;
}

const char *port_read_rate(const char *text, size_t length, uint64_t *bytes_per_second)
{
	uint64_t rate = 0;

	if (!is(text, length, "none") && (!units_read_rate(text, length, &rate) || rate < 1000))
		return "must be \"none\" or bits a second such as \"100Mbit\", at least 8kbit";
	*bytes_per_second = rate;
	return NULL;
}

static bool has_vlan(const struct port_settings *settings, unsigned vlan)
{
	return vlan <= VLAN_LAST && settings->trunk[vlan / 8] & 1 << vlan % 8;
}

/* A range that does not fit, and what would come behind it, is "...". */
static void write_trunk(char *text, const struct port_settings *settings)
{
	size_t used = (size_t)snprintf(text, PORT_TEXT_MAX, "trunk=");
	size_t start = used;

	for (unsigned first = 1; first <= VLAN_LAST; first++) {
		char range[16];
		unsigned last = first;

		if (!has_vlan(settings, first))
			continue;
		while (has_vlan(settings, last + 1))
			last++;
		if (first == last)
			snprintf(range, sizeof(range), "%u", first);
		else
			snprintf(range, sizeof(range), "%u-%u", first, last);
		if (used + strlen(range) + sizeof(",,...") > PORT_TEXT_MAX) {
			snprintf(text + used, PORT_TEXT_MAX - used, ",...");
			return;
		}
		used += (size_t)snprintf(text + used, PORT_TEXT_MAX - used, "%s%s",
			used > start ? "," : "", range);
		first = last;
	}
	if (strcmp(text + start, "1-4094") == 0)
		strcpy(text + start, "all");
}

const char *port_write_vlan(char text[PORT_TEXT_MAX], const struct port_settings *settings)
{
	if (settings->vlan_mode == PORT_VLAN_TRUNK)
		write_trunk(text, settings);
	else if (settings->vlan_mode == PORT_VLAN_ACCESS)
		snprintf(text, PORT_TEXT_MAX, "access=%u", settings->vlan);
	else
		snprintf(text, PORT_TEXT_MAX, "none");
	return text;
}

const char *port_write_mac(char text[PORT_TEXT_MAX], const uint8_t mac[MAC_LENGTH])
{
	if (!is_station(mac))
		return strcpy(text, "any");
	snprintf(text, PORT_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		mac[3], mac[4], mac[5]);
	return text;
}

const char *port_write_poll(char text[PORT_TEXT_MAX], uint64_t poll_ns)
{
	if (poll_ns == WIRE_POLL_ALWAYS)
		return strcpy(text, "always");
	return poll_ns ? units_write_duration_us(text, poll_ns / 1000) : strcpy(text, "off");
}

const char *port_write_delay(char text[PORT_TEXT_MAX], uint32_t delay_us)
{
	return delay_us ? units_write_duration_us(text, delay_us) : strcpy(text, "none");
}

const char *port_write_loss(char text[PORT_TEXT_MAX], uint16_t loss_per_10000)
{
	unsigned whole = loss_per_10000 / 100U;
	unsigned fraction = loss_per_10000 % 100U;

	if (!loss_per_10000)
		strcpy(text, "none");
	else if (!fraction)
		snprintf(text, PORT_TEXT_MAX, "%u%%", whole);
	else if (fraction % 10)
		snprintf(text, PORT_TEXT_MAX, "%u.%02u%%", whole, fraction);
	else
		snprintf(text, PORT_TEXT_MAX, "%u.%u%%", whole, fraction / 10);
	return text;
}

const char *port_write_rate(char text[PORT_TEXT_MAX], uint64_t bytes_per_second)
{
	return bytes_per_second ? units_write_rate(text, bytes_per_second) : strcpy(text, "none");
}
