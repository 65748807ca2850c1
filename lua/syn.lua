-- SPDX-License-Identifier: GPL-2.0-or-later

-- How many attempts to connect come to nothing: of the TCP flows that have a SYN, the part that has
-- never had an ACK. Near 0 is health; a flood of SYN, or a service that is down, drives it to 1.
--
-- Options:
--   by_zone:  true: one ratio for each destination zone, which a stage `zones` before this one has
--             named, "none" for the rest; false: one for all, dst_zone="all"
--
-- Metrics: xdp_netflow_syn_flows{dst_zone}, living flows with a SYN, and
--          xdp_netflow_syn_unanswered_ratio{dst_zone}, the part of them without ACK

local options = require("lib.options")

local SYN, ACK = 0x02, 0x10

local by_zone

local function group(snapshot)
	if by_zone then
		return snapshot:sum_by("tcp_flags", "dst_zone")
	end
	local next_group = snapshot:sum_by("tcp_flags")
	return function()
		local flags, sum = next_group()
		return flags, "all", sum
	end
end

local function count(snapshot)
	local zones = {}
	for flags, zone, sum in group(snapshot) do
		if math.type(flags) == "integer" and flags & SYN ~= 0 then
			local seen = zones[zone] or { flows = 0, unanswered = 0 }
			seen.flows = seen.flows + sum.flows
			if flags & ACK == 0 then
				seen.unanswered = seen.unanswered + sum.flows
			end
			zones[zone] = seen
		end
	end
	return zones
end

return {
	metrics = {
		xdp_netflow_syn_flows = {
			type = "gauge",
			help = "Living TCP flows that have a SYN.",
			labels = { "dst_zone" },
		},
		xdp_netflow_syn_unanswered_ratio = {
			type = "gauge",
			help = "Part of the living TCP flows with a SYN that have no ACK.",
			labels = { "dst_zone" },
		},
	},

	init = function(given)
		by_zone = options.read(given, { by_zone = false }).by_zone
	end,

	derive = function(snapshot, emit)
		for zone, seen in pairs(count(snapshot)) do
			local labels = { dst_zone = zone ~= "" and zone or "none" }
			emit("xdp_netflow_syn_flows", seen.flows, labels)
			emit("xdp_netflow_syn_unanswered_ratio", seen.unanswered / seen.flows, labels)
		end
	end,
}
