/* Ethernet addresses as people write them. */
#include "ethernet_address.h"

static int hex_digit(char letter)
{
	if ('0' <= letter && letter <= '9')
		return letter - '0';
	letter = (char)(letter | 32);
	return 'a' <= letter && letter <= 'f' ? letter - 'a' + 10 : -1;
}

bool ethernet_address_read(const char *text, size_t length, uint8_t address[ETHERNET_ADDRESS_SIZE])
{
	if (length != 3 * ETHERNET_ADDRESS_SIZE - 1)
		return false;
	for (size_t i = 0; i < ETHERNET_ADDRESS_SIZE; i++, text += 3) {
		int high = hex_digit(text[0]);
		int low = hex_digit(text[1]);

		if (high < 0 || low < 0 || (i + 1 < ETHERNET_ADDRESS_SIZE && text[2] != ':'))
			return false;
		address[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}
