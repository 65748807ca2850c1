/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Addresses as rules hold them: small copies that outlive the flow. And xa.cidr: sets of prefixes.
 */

#include <stdint.h>

#include <lua.h>

#include "plugins/lua/stage.h"

/* INET6_ADDRSTRLEN */
#define XA_LUA_ADDRESS_TEXT_BYTES 46

/* Registers the types; with the table `xa` on the top of the stack, which gets `cidr`. */
void xa_lua_address_open(lua_State *L);

/* Frees what the sets hold; after lua_close(). */
void xa_lua_address_close(struct xa_lua *lua);

void xa_lua_address_push(lua_State *L, uint8_t family, const uint8_t bytes[16]);

/* As RFC 5952 writes it; returns `text`. */
const char *xa_lua_address_format(uint8_t family, const uint8_t *bytes,
				  char text[XA_LUA_ADDRESS_TEXT_BYTES]);
