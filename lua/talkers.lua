-- SPDX-License-Identifier: GPL-2.0-or-later

-- Who talks to whom, by zone: the traffic matrix of the networks that a stage `zones` before this
-- one has named.
--
-- Options:
--   default:  what stands for a flow's end that is in no zone; "none"
--
-- Metrics: xdp_netflow_zone_bytes{src_zone, dst_zone} and xdp_netflow_zone_packets, sums over the
--          living flows

local options = require("lib.options")

local default

local function pair(help)
	return { type = "gauge", help = help, labels = { "src_zone", "dst_zone" } }
end

local function named(zone)
	return zone ~= "" and zone or default
end

return {
	metrics = {
		xdp_netflow_zone_bytes = pair("Bytes of the living flows from one zone to another."),
		xdp_netflow_zone_packets = pair("Packets of the living flows from one zone to another."),
	},

	init = function(given)
		default = options.read(given, { default = "none" }).default
	end,

	derive = function(snapshot, emit)
		for src, dst, sum in snapshot:sum_by("src_zone", "dst_zone") do
			local zones = { src_zone = named(src), dst_zone = named(dst) }
			emit("xdp_netflow_zone_bytes", sum.bytes, zones)
			emit("xdp_netflow_zone_packets", sum.packets, zones)
		end
	end,
}
