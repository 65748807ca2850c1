/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Names of services and protocols as IANA has them, as far as they are common. */

#include <stdint.h>

/* NULL if it is none of them. `proto` is 6 or 17. */
const char *xa_lua_service_name(uint16_t port, uint8_t proto);

/* IANA's keyword in lower case; NULL if it is none of the common ones. */
const char *xa_lua_proto_name(uint8_t proto);
