-- SPDX-License-Identifier: GPL-2.0-or-later

-- What a rule can reach, and nothing else: whatever is used beyond that is an error here already.
stds.xa = {
	read_globals = {
		"assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "print", "rawequal",
		"rawget", "rawlen", "rawset", "require", "select", "setmetatable", "tonumber", "tostring",
		"type", "xpcall", "_G", "_VERSION",
		"math", "string", "table", "utf8",
		xa = {
			fields = {
				"api", "cidr", "log", "now", "proto", "service",
				state = { read_only = false, other_fields = true },
			},
		},
	},
}
std = "xa"
max_line_length = 100
exclude_files = { "**/xa.d.lua" }
