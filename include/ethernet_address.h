#ifndef ETHERNET_ADDRESS_H
#define ETHERNET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ETHERNET_ADDRESS_SIZE 6

/* "52:54:00:00:00:01": six pairs of digits, colons between them. Else false. */
bool ethernet_address_read(const char *text, size_t length, uint8_t address[ETHERNET_ADDRESS_SIZE]);

#endif
